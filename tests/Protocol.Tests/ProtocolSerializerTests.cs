using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Google.Protobuf;
using TiKvActors.Protocol.Kvrpcpb;
using TiKvActors.Protocol.Serialization;
using TiKvActors.Tests.Shared;

namespace TiKvActors.Protocol.Tests;

public sealed class ProtocolSerializerTests : IAsyncLifetime
{
    private readonly ActorSystem _system = ActorSystem.Create("serialization", ConfigurationFactory.ParseString(ProtocolHocon.Reference));

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public void Is_bound_to_every_message_under_its_frozen_id()
    {
        foreach (var (manifest, type) in Manifests.All)
        {
            var message = Filled.Message(type, new Random(3));
            var serializer = Assert.IsType<ProtocolSerializer>(_system.Serialization.FindSerializerFor(message));
            Assert.Equal(1000, serializer.Identifier);
            Assert.Equal(manifest, Akka.Serialization.Serialization.ManifestFor(serializer, message));
            Assert.Equal(message, _system.Serialization.Deserialize(serializer.ToBinary(message), 1000, manifest));
        }
    }

    [Fact]
    public void Puts_the_bare_protobuf_bytes_on_the_wire()
    {
        var message = new RawGetRequest { Key = ByteString.CopyFromUtf8("k") };
        Assert.Equal(message.ToByteArray(), _system.Serialization.FindSerializerFor(message).ToBinary(message));
    }

    [Fact]
    public void Broken_bytes_and_unknown_manifests_are_named()
    {
        var serializer = (SerializerWithStringManifest)_system.Serialization.FindSerializerFor(new RawGetRequest());
        Assert.Contains("\"nope\"", Assert.Throws<SerializationException>(() => serializer.FromBinary([], "nope")).Message);
        Assert.Contains("\"RG\"", Assert.Throws<SerializationException>(() => serializer.FromBinary([0x0A, 0x7F], "RG")).Message);
    }
}
