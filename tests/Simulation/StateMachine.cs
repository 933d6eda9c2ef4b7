using System.Buffers.Binary;
using Google.Protobuf;
using TiKvActors.Protocol.Eraftpb;

namespace TiKvActors.Simulation;

/// <summary>
/// A replica's applied state: registers, configuration, applied index, and a hash over everything that was ever applied. Immutable.
/// </summary>
internal sealed record StateMachine(ulong Applied, ulong AppliedTerm, ulong Hash, long[] Registers, ConfState ConfState)
{
    public const int RegisterCount = 3;

    public static StateMachine Empty => new(0, 0, 0, new long[RegisterCount], new ConfState());

    /// <param name="swapped">Whether a compare-and-swap found what it expected.</param>
    public StateMachine Apply(Entry entry, ConfState confState, out bool swapped)
    {
        swapped = true;
        var registers = Registers;
        if (entry.EntryType == EntryType.EntryNormal && !entry.Data.IsEmpty)
        {
            var command = Command.Decode(entry.Data.Span);
            swapped = command.Kind == OperationKind.Write || registers[command.Register] == command.Expected;
            if (swapped)
            {
                registers = [.. registers];
                registers[command.Register] = command.Value;
            }
        }
        return new StateMachine(entry.Index, entry.Term, Fingerprint.Of(entry, Hash), registers, confState);
    }

    public Snapshot ToSnapshot()
    {
        var data = new byte[8 + 8 * RegisterCount];
        BinaryPrimitives.WriteUInt64LittleEndian(data, Hash);
        for (var i = 0; i < RegisterCount; i++) BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(8 + 8 * i), Registers[i]);
        return new Snapshot
        {
            Metadata = new SnapshotMetadata { Index = Applied, Term = AppliedTerm, ConfState = ConfState },
            Data = UnsafeByteOperations.UnsafeWrap(data),
        };
    }

    public static StateMachine From(Snapshot snapshot)
    {
        var data = snapshot.Data.Span;
        var registers = new long[RegisterCount];
        for (var i = 0; i < RegisterCount; i++) registers[i] = BinaryPrimitives.ReadInt64LittleEndian(data[(8 + 8 * i)..]);
        var metadata = snapshot.Metadata;
        return new StateMachine(
            metadata.Index, metadata.Term, BinaryPrimitives.ReadUInt64LittleEndian(data), registers, metadata.ConfState);
    }
}

/// <summary>A 64-bit hash (FNV-1a) that is the same in every run.</summary>
internal static class Fingerprint
{
    public static ulong Of(Entry entry, ulong seed)
    {
        var hash = Mix(Mix(Mix(0xcbf29ce484222325 ^ seed, entry.Term), entry.Index), (ulong)entry.EntryType);
        foreach (var b in entry.Data.Span) hash = (hash ^ b) * 0x100000001b3;
        return hash;
    }

    private static ulong Mix(ulong hash, ulong value)
    {
        for (var i = 0; i < 8; i++, value >>= 8) hash = (hash ^ (value & 0xff)) * 0x100000001b3;
        return hash;
    }
}
