using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Remote.Transport;
using Akka.Serialization;

namespace Akka.Remote.Serialization;

/// <summary>A message for an actor selection, with the rest of its way.</summary>
public class MessageContainerSerializer : Serializer
{
    private const byte Parent = 0;
    private const byte ChildName = 1;
    private const byte ChildPattern = 2;
    private const byte ChildRecursive = 3;

    public MessageContainerSerializer(ExtendedActorSystem system) : base(system)
    {
    }

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        if (obj is not ActorSelectionMessage selection) throw new ArgumentException($"Cannot serialize a {obj?.GetType()} here", nameof(obj));
        return WrappedPayload.Collect(selection, Write);
    }

    public override object FromBinary(byte[] bytes, Type type)
    {
        var from = new WireReader(bytes);
        var wildCardFanOut = from.Byte() != 0;
        var count = from.Var();
        if (count > (ulong)from.Remaining) throw new MalformedFrameException($"a selection of {count} elements in {from.Remaining} bytes");
        var elements = new SelectionPathElement[(int)count];
        for (var i = 0; i < elements.Length; i++)
        {
            elements[i] = from.Byte() switch
            {
                Parent => SelectParent.Instance,
                ChildName => new SelectChildName(from.Text()),
                ChildPattern => new SelectChildPattern(from.Text()),
                ChildRecursive => SelectChildRecursive.Instance,
                var kind => throw new SerializationException($"Unknown kind of selection element: {kind}")
            };
        }
        return new ActorSelectionMessage(WrappedPayload.Read(ref from, system), elements, wildCardFanOut);
    }

    private void Write(WireWriter to, ActorSelectionMessage selection)
    {
        to.Byte(selection.WildCardFanOut ? (byte)1 : (byte)0);
        to.Var((uint)selection.Elements.Length);
        foreach (var element in selection.Elements)
        {
            switch (element)
            {
                case SelectParent:
                    to.Byte(Parent);
                    break;
                case SelectChildRecursive:
                    to.Byte(ChildRecursive);
                    break;
                case SelectChildName name:
                    to.Byte(ChildName);
                    to.Text(name.Name);
                    break;
                case SelectChildPattern pattern:
                    to.Byte(ChildPattern);
                    to.Text(pattern.PatternStr);
                    break;
                default:
                    throw new ArgumentException($"Cannot serialize a selection element of {element?.GetType()}");
            }
        }
        WrappedPayload.Write(to, system, selection.Message);
    }
}
