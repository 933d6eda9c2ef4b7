using System.Linq.Expressions;
using System.Reflection;

namespace Akka.Actor;

/// <summary>Finds the constructor that fits the arguments when the actor is made.</summary>
internal sealed class ActivatorProducer(Type type, object[] args) : IIndirectActorProducer
{
    public Type ActorType => type;

    public ActorBase Produce() => (ActorBase)(args.Length == 0 ? Activator.CreateInstance(type) : Activator.CreateInstance(type, args));

    public void Release(ActorBase actor)
    {
    }
}

/// <summary>Calls the constructor that an expression named.</summary>
internal sealed class ConstructorProducer(ConstructorInfo constructor, object[] args) : IIndirectActorProducer
{
    public Type ActorType => constructor.DeclaringType;

    public ActorBase Produce() => (ActorBase)constructor.Invoke(args);

    public void Release(ActorBase actor)
    {
    }
}

/// <summary>
/// The value of an expression. Constants and captured variables, the usual arguments, are read without compiling anything.
/// </summary>
internal static class ExpressionValue
{
    public static object Of(Expression expression) => expression switch
    {
        ConstantExpression constant => constant.Value,
        MemberExpression { Member: FieldInfo field } member => field.GetValue(Instance(member)),
        MemberExpression { Member: PropertyInfo property } member => property.GetValue(Instance(member)),
        _ => Expression.Lambda<Func<object>>(Expression.Convert(expression, typeof(object)))
            .Compile(preferInterpretation: !HasLambda.In(expression))()
    };

    private static object Instance(MemberExpression member) => member.Expression == null ? null : Of(member.Expression);

    /// <summary>
    /// A function that is handed to the actor is called again and again, and interpreted it would not even be atomic on references to
    /// variables.
    /// </summary>
    private sealed class HasLambda : ExpressionVisitor
    {
        private bool _found;

        public static bool In(Expression expression)
        {
            var visitor = new HasLambda();
            visitor.Visit(expression);
            return visitor._found;
        }

        protected override Expression VisitLambda<T>(Expression<T> node)
        {
            _found = true;
            return node;
        }
    }
}
