using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Google.Protobuf;
using TiKvActors.Protocol.Commands;
using TiKvActors.Protocol.RaftCmdpb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Protocol.Tests;

/// <summary>
/// Mutated bytes for the codecs of what comes over the network or stands in a log: a message, or a refusal of a known type, and no more
/// memory than the bytes justify.
/// </summary>
public sealed class MutatedBytesTests : IAsyncLifetime
{
    // Protobuf objects for a byte each: the worst is a message of empty messages.
    private const int AllocatedPerByte = 512;

    private readonly ActorSystem _system = ActorSystem.Create("mutations", ConfigurationFactory.ParseString(ProtocolHocon.Reference));

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public void Messages_by_manifest()
    {
        var serializer = (SerializerWithStringManifest)_system.Serialization.FindSerializerFor(new Kvrpcpb.RawGetRequest());
        var random = new Random(Fuzz.Seed);
        var corpus = Manifests.All.Select(row => Filled.Message(row.Message, random).ToByteArray()).ToList();
        Fuzz.Run(random, corpus, bytes =>
        {
            var manifest = random.Next(50) == 0 ? "?" + random.Next(9) : Manifests.All[random.Next(Manifests.All.Count)].Manifest;
            try
            {
                serializer.FromBinary(bytes, manifest);
            }
            catch (SerializationException)
            {
                // The refusal that remoting and the journal expect.
            }
        }, perByte: AllocatedPerByte);
    }

    [Fact]
    public void Raft_commands()
    {
        var random = new Random(Fuzz.Seed);
        var corpus = Enumerable.Range(0, 20)
            .Select(_ => RaftCommandCodec.Encode((RaftCmdRequest)Filled.Message(RaftCmdRequest.Descriptor, random)).ToByteArray()).ToList();
        Fuzz.Run(random, corpus, bytes =>
        {
            try
            {
                RaftCommandCodec.Decode(bytes);
            }
            catch (Exception e) when (e is InvalidDataException or UnknownRaftCommandVersionException)
            {
                // The refusals on which a peer stops.
            }
        }, perByte: AllocatedPerByte);
    }

    [Fact]
    public void Messages_inside_each_other_come_to_an_end()
    {
        // Field 1 of a group message is a group again as far as a parser without schema can see: unknown fields nest too.
        byte[] startGroups = [.. Enumerable.Repeat((byte)0x7B, 100_000)];
        var serializer = (SerializerWithStringManifest)_system.Serialization.FindSerializerFor(new Kvrpcpb.RawGetRequest());
        foreach (var (manifest, _) in Manifests.All)
            Assert.Throws<SerializationException>(() => serializer.FromBinary(startGroups, manifest));
        Assert.Throws<InvalidDataException>(() => RaftCommandCodec.Decode([1, .. startGroups]));
    }
}
