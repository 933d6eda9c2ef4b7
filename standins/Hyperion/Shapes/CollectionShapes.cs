using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Reflection;
using System.Runtime.Serialization;
using Hyperion.Internal;

namespace Hyperion.Shapes;

/// <summary>The framework's collections: how each is made again from its elements.</summary>
internal static class CollectionShapes
{
    private static readonly Dictionary<Type, string> _makers = new()
    {
        [typeof(List<>)] = nameof(List),
        [typeof(HashSet<>)] = nameof(HashSet),
        [typeof(SortedSet<>)] = nameof(SortedSet),
        [typeof(LinkedList<>)] = nameof(LinkedList),
        [typeof(Collection<>)] = nameof(Collection),
        [typeof(ReadOnlyCollection<>)] = nameof(ReadOnlyCollection),
        [typeof(Queue<>)] = nameof(Queue),
        [typeof(Stack<>)] = nameof(Stack),
        [typeof(ConcurrentQueue<>)] = nameof(ConcurrentQueue),
        [typeof(Dictionary<,>)] = nameof(Dictionary),
        [typeof(SortedDictionary<,>)] = nameof(SortedDictionary),
        [typeof(SortedList<,>)] = nameof(SortedList),
        [typeof(ConcurrentDictionary<,>)] = nameof(ConcurrentDictionary),
        [typeof(ImmutableArray<>)] = nameof(ImmutableArray),
        [typeof(ImmutableList<>)] = nameof(ImmutableList),
        [typeof(ImmutableQueue<>)] = nameof(ImmutableQueue),
        [typeof(ImmutableStack<>)] = nameof(ImmutableStack),
        [typeof(ImmutableHashSet<>)] = nameof(ImmutableHashSet),
        [typeof(ImmutableSortedSet<>)] = nameof(ImmutableSortedSet),
        [typeof(ImmutableDictionary<,>)] = nameof(ImmutableDictionary),
        [typeof(ImmutableSortedDictionary<,>)] = nameof(ImmutableSortedDictionary)
    };

    /// <summary>Null if the type is none of them.</summary>
    public static Shape Of(Type type)
    {
        if (!type.IsGenericType || !_makers.TryGetValue(type.GetGenericTypeDefinition(), out var maker)) return null;
        var method = typeof(CollectionShapes).GetMethod(maker, BindingFlags.Static | BindingFlags.NonPublic)!;
        return (Shape)method.MakeGenericMethod(type.GetGenericArguments()).Invoke(null, null);
    }

    private static Shape List<T>() => Filled<List<T>, T>();

    private static Shape HashSet<T>() => Filled<HashSet<T>, T>();

    private static Shape SortedSet<T>() => Filled<SortedSet<T>, T>();

    private static Shape LinkedList<T>() => Filled<LinkedList<T>, T>();

    private static Shape Collection<T>() => Filled<Collection<T>, T>();

    private static Shape ReadOnlyCollection<T>() => Built(items => new ReadOnlyCollection<T>(items), new Single<T>());

    private static Shape Queue<T>() => Built(items => new Queue<T>(items), new Single<T>());

    private static Shape Stack<T>() => Built(items => new Stack<T>(items.Reverse()), new Single<T>());

    private static Shape ConcurrentQueue<T>() => Built(items => new ConcurrentQueue<T>(items), new Single<T>());

    private static Shape Dictionary<TKey, T>() => FilledMap<Dictionary<TKey, T>, TKey, T>();

    private static Shape SortedDictionary<TKey, T>() => FilledMap<SortedDictionary<TKey, T>, TKey, T>();

    private static Shape SortedList<TKey, T>() => FilledMap<SortedList<TKey, T>, TKey, T>();

    private static Shape ConcurrentDictionary<TKey, T>() => FilledMap<ConcurrentDictionary<TKey, T>, TKey, T>();

    private static Shape ImmutableArray<T>() => Built(items => items.ToImmutableArray(), new Single<T>(), array => !array.IsDefault);

    private static Shape ImmutableList<T>() => Built(items => items.ToImmutableList(), new Single<T>());

    private static Shape ImmutableQueue<T>() =>
        Built(items => System.Collections.Immutable.ImmutableQueue.CreateRange(items), new Single<T>());

    private static Shape ImmutableStack<T>() =>
        Built(items => System.Collections.Immutable.ImmutableStack.CreateRange(items.Reverse()), new Single<T>());

    private static Shape ImmutableHashSet<T>() => Built(items => items.ToImmutableHashSet(), new Single<T>());

    private static Shape ImmutableSortedSet<T>() => Built(items => items.ToImmutableSortedSet(), new Single<T>());

    private static Shape ImmutableDictionary<TKey, T>() => Built(items => items.ToImmutableDictionary(), new Pair<TKey, T>());

    private static Shape ImmutableSortedDictionary<TKey, T>() => Built(items => items.ToImmutableSortedDictionary(), new Pair<TKey, T>());

    private static Shape Filled<TCollection, T>()
        where TCollection : class, ICollection<T>, new() => new FilledShape<TCollection, T>(new Single<T>());

    private static Shape FilledMap<TCollection, TKey, T>()
        where TCollection : class, ICollection<KeyValuePair<TKey, T>>, new() =>
            new FilledShape<TCollection, KeyValuePair<TKey, T>>(new Pair<TKey, T>());

    private static Shape Built<TCollection, T>(Func<IList<T>, TCollection> build, Element<T> element, Func<TCollection,
        bool> isThere = null)
        where TCollection : IEnumerable<T> => new BuiltShape<TCollection, T>(build, element, isThere ?? (_ => true));

    private abstract class Element<T>
    {
        public abstract void Write(Stream stream, T element, SerializerSession session);

        public abstract T Read(Stream stream, DeserializerSession session);
    }

    private sealed class Single<T> : Element<T>
    {
        public override void Write(Stream stream, T element, SerializerSession session) =>
            session.Serializer.Write(stream, element, session);

        public override T Read(Stream stream, DeserializerSession session) => Elements.Read<T>(stream, session);
    }

    private sealed class Pair<TKey, T> : Element<KeyValuePair<TKey, T>>
    {
        public override void Write(Stream stream, KeyValuePair<TKey, T> element, SerializerSession session)
        {
            session.Serializer.Write(stream, element.Key, session);
            session.Serializer.Write(stream, element.Value, session);
        }

        public override KeyValuePair<TKey, T> Read(Stream stream, DeserializerSession session) =>
            new(Elements.Read<TKey>(stream, session), Elements.Read<T>(stream, session));
    }

    /// <summary>Collections that are made empty and then filled; elements may refer to them.</summary>
    private sealed class FilledShape<TCollection, T>(Element<T> element) : Shape
        where TCollection : class, ICollection<T>, new()
    {
        private readonly Comparers _comparers = new(typeof(TCollection));

        public override void Write(Stream stream, object value, SerializerSession session)
        {
            _comparers.Check(value);
            // An array of what is there at one moment: another thread may write to a concurrent collection.
            var items = ((TCollection)value).ToArray();
            stream.WriteLength(items.Length);
            foreach (var item in items) element.Write(stream, item, session);
        }

        public override object Read(Stream stream, DeserializerSession session)
        {
            var collection = new TCollection();
            session.TrackDeserializedObject(collection);
            for (var left = stream.ReadCount(); left > 0; left--) collection.Add(element.Read(stream, session));
            return collection;
        }
    }

    /// <summary>Collections that are made of their elements; these cannot refer to them.</summary>
    /// <param name="isThere">false for the default value of a struct that has no elements to look at.</param>
    private sealed class BuiltShape<TCollection, T>(Func<IList<T>, TCollection> build, Element<T> element, Func<TCollection, bool> isThere)
        : Shape
        where TCollection : IEnumerable<T>
    {
        private readonly Comparers _comparers = new(typeof(TCollection));

        public override void Write(Stream stream, object value, SerializerSession session)
        {
            var collection = (TCollection)value;
            stream.WriteByte(isThere(collection) ? (byte)1 : (byte)0);
            if (!isThere(collection)) return;
            _comparers.Check(value);
            var items = collection.ToArray();
            stream.WriteLength(items.Length);
            foreach (var item in items) element.Write(stream, item, session);
        }

        public override object Read(Stream stream, DeserializerSession session)
        {
            var there = stream.ReadNumber<byte>();
            if (there > 1
                || (there == 0 && default(TCollection) is null)) throw new SerializationException("Neither a collection nor none");
            if (there == 0) return default(TCollection);
            var items = new List<T>();
            for (var left = stream.ReadCount(); left > 0; left--) items.Add(element.Read(stream, session));
            return build(items);
        }
    }

    /// <summary>A collection comes back with the default comparer, so none that has another is written.</summary>
    private sealed class Comparers(Type collection)
    {
        private readonly PropertyInfo[] _properties =
            [.. collection.GetProperties().Where(p => p.Name is "Comparer" or "KeyComparer" or "ValueComparer")];

        public void Check(object value)
        {
            foreach (var property in _properties)
            {
                var comparer = property.GetValue(value)!;
                var compared = property.PropertyType.GetGenericArguments()[0];
                var isDefault = comparer.Equals(DefaultOf(typeof(EqualityComparer<>), compared))
                    || comparer.Equals(DefaultOf(typeof(Comparer<>), compared))
                    || (property.PropertyType == typeof(IEqualityComparer<string>) && comparer == StringComparer.Ordinal);
                if (!isDefault) throw BuiltIn.Unsupported(collection, $"it compares by {comparer}");
            }
        }

        private static object DefaultOf(Type comparer, Type key) => comparer.MakeGenericType(key).GetProperty("Default")!.GetValue(null);
    }
}
