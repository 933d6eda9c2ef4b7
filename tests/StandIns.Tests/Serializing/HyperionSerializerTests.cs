using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;
using Akka.Serialization.Hyperion;
using Hyperion;
using Hyperion.Internal;

namespace TiKvActors.StandIns.Tests.Serializing;

/// <summary>Hyperion as a serializer of actor systems: settings, references to actors, remoting.</summary>
public class HyperionSerializerTests
{
    public sealed record Order(string Name, IActorRef Owner, List<Order> Parts);

    public sealed record Other(int Number);

    public sealed class NewName
    {
        public int Number;
    }

    public sealed class Types(ExtendedActorSystem system) : IKnownTypesProvider
    {
        public IEnumerable<Type> GetKnownTypes() => system.Name == "hyperion" ? [typeof(Other)] : [];
    }

    public sealed class Minutes(Func<int> value)
    {
        public Func<int> Value { get; } = value;
    }

    public sealed class MinutesSurrogate : Surrogate
    {
        public MinutesSurrogate()
        {
            (From, To) = (typeof(Minutes), typeof(int));
            ToSurrogate = minutes => ((Minutes)minutes).Value();
            FromSurrogate = value => new Minutes(() => (int)value);
        }
    }

    public sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<Order>(order => order.Owner.Tell(order with { Owner = Self }));
    }

    private const string Bound = """
        akka { loglevel = OFF, stdout-loglevel = OFF, coordinated-shutdown.run-by-clr-shutdown-hook = off }
        akka.actor {
          serializers.hyperion = "Akka.Serialization.HyperionSerializer, Akka.Serialization.Hyperion"
          serialization-bindings."System.Object" = hyperion
        }

        """;

    private const string Settings = "akka.actor.serialization-settings.hyperion";

    private static string NameOf(Type type) => $"\"{type.FullName}, {type.Assembly.GetName().Name}\"";

    private static async Task With(string hocon, Action<HyperionSerializer> act, params Setup[] setups)
    {
        var config = ConfigurationFactory.ParseString(hocon).WithFallback(ConfigurationFactory.ParseString(Bound));
        var setup = setups.Aggregate(ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config)), (all, one) => all.And(one));
        var system = ActorSystem.Create("hyperion", setup);
        try
        {
            act(Assert.IsType<HyperionSerializer>(system.Serialization.FindSerializerForType(typeof(Order))));
        }
        finally
        {
            await system.Terminate();
        }
    }

    [Fact]
    public Task Without_settings_all_are_as_in_the_reference_configuration() => With("", serializer =>
    {
        var settings = serializer.Settings;
        Assert.Equal((true, true, true), (settings.PreserveObjectReferences, settings.VersionTolerance, settings.DisallowUnsafeType));
        Assert.Same(DisabledTypeFilter.Instance, settings.TypeFilter);
        Assert.Empty(settings.Surrogates);
        Assert.Empty(settings.PackageNameOverrides);
    });

    [Fact]
    public Task Every_setting_of_the_configuration_counts() => With($$"""
        {{Settings}} {
          preserve-object-references = off
          version-tolerance = off
          disallow-unsafe-type = off
          known-types-provider = {{NameOf(typeof(Types))}}
          surrogates = [{{NameOf(typeof(MinutesSurrogate))}}]
          allowed-types = [{{NameOf(typeof(Other))}}, {{NameOf(typeof(NewName))}}]
          cross-platform-package-name-overrides.net = [{ fingerprint = "OldName", rename-from = "OldName", rename-to = "NewName" }]
        }
        """, serializer =>
    {
        var settings = serializer.Settings;
        Assert.Equal((false, false, false), (settings.PreserveObjectReferences, settings.VersionTolerance, settings.DisallowUnsafeType));
        object Back(object value) => serializer.FromBinary(serializer.ToBinary(value), null);
        Assert.Equal(new Other(1), Back(new Other(1)));
        Assert.DoesNotContain("Other", System.Text.Encoding.UTF8.GetString(serializer.ToBinary(new Other(1))));
        Assert.Equal(5, Assert.IsType<Minutes>(Back(new Minutes(() => 5))).Value());
        Assert.Throws<UserEvilDeserializationException>(() => serializer.ToBinary(new Order("x", null, null)));

        // Of the same length, so that one byte sequence serves both names.
        var bytes = serializer.ToBinary(new NewName { Number = 7 });
        var at = bytes.AsSpan().IndexOf("NewName"u8);
        "OldName"u8.CopyTo(bytes.AsSpan(at));
        Assert.Equal(7, Assert.IsType<NewName>(serializer.FromBinary(bytes, null)).Number);
    });

    [Theory]
    [InlineData("allowed-types = [\"No.Such, Nowhere\"]")]
    [InlineData("surrogates = [\"No.Such, Nowhere\"]")]
    [InlineData("known-types-provider = \"System.Object\"")]
    [InlineData("known-types-provider = \"No.Such\"")]
    public void A_setting_that_names_no_such_class_stops_the_start(string setting) =>
        Assert.ThrowsAny<Exception>(() => HyperionSerializerSettings.Create(ConfigurationFactory.ParseString(setting)));

    [Fact]
    public void An_empty_configuration_is_an_exception() =>
        Assert.Throws<ConfigurationException>(() => HyperionSerializerSettings.Create(Config.Empty));

    [Fact]
    public Task A_setup_goes_before_the_configuration_and_leaves_the_rest_of_it() => With(
        $"{Settings} {{ allowed-types = [{NameOf(typeof(Other))}], version-tolerance = off, preserve-object-references = off }}",
        serializer =>
        {
            Assert.Equal((true, false), (serializer.Settings.PreserveObjectReferences, serializer.Settings.VersionTolerance));
            Assert.Throws<UserEvilDeserializationException>(() => serializer.ToBinary(new Order("x", null, null)));
            var two = new Other(1);
            var bytes = serializer.ToBinary(new[] { two, two });
            var back = (Other[])serializer.FromBinary(bytes, null);
            Assert.Same(back[0], back[1]);
        },
        HyperionSerializerSetup.Empty.WithPreserveObjectReference(true));

    [Fact]
    public Task Broken_bytes_are_a_serialization_exception_whatever_is_wrong() => With("", serializer =>
    {
        var bytes = serializer.ToBinary(new Order("x", null, [new Order("y", null, null)]));
        Assert.Equal("y", ((Order)serializer.FromBinary(bytes, null)).Parts[0].Name);
        Assert.Throws<SerializationException>(() => serializer.FromBinary([.. bytes, 0], null));
        Assert.Throws<SerializationException>(() => serializer.FromBinary(null, null));
        for (var length = 0; length < bytes.Length; length++) Assert.Throws<SerializationException>(() =>
            serializer.FromBinary(bytes[..length], null));
        var random = new Random(1);
        for (var round = 0; round < 5_000; round++)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                serializer.FromBinary(damaged, null);
            }
            catch (SerializationException)
            {
                // The only exception there may be.
            }
        }
    });

    [Fact]
    public async Task References_lead_back_to_their_actors_across_systems_with_an_allow_list()
    {
        var list = $"\"{typeof(List<Order>).AssemblyQualifiedName}\"";
        string[] allowed = [NameOf(typeof(Order)), NameOf(typeof(ActorRefBase.Surrogate)), list];
        var hocon = Bound + $"{Settings}.allowed-types = [{string.Join(", ", allowed)}]\n"
            + "akka.actor.provider = remote, akka.remote.dot-netty.tcp { hostname = \"127.0.0.1\", port = 0 }";
        var (here, there) = (ActorSystem.Create("here", ConfigurationFactory.ParseString(hocon)),
            ActorSystem.Create("there", ConfigurationFactory.ParseString(hocon)));
        try
        {
            there.ActorOf(Props.Create<Echo>(), "echo");
            var address = ((ExtendedActorSystem)there).Provider.DefaultAddress;
            var answer = new TaskCompletionSource<Order>();
            var owner = here.ActorOf(Props.Create(() => new Asker(answer, $"{address}/user/echo")), "owner");
            var order = await answer.Task.WaitAsync(TimeSpan.FromSeconds(20));
            Assert.Equal($"{address}/user/echo", order.Owner.Path.ToString());
            Assert.Equal(owner, order.Parts[0].Owner);
        }
        finally
        {
            await Task.WhenAll(here.Terminate(), there.Terminate());
        }
    }

    public sealed class Asker : ReceiveActor
    {
        public Asker(TaskCompletionSource<Order> answer, string echo)
        {
            Receive<Order>(order => answer.SetResult(order));
            Context.ActorSelection(echo).Tell(new Order("a", Self, [new Order("part", Self, null)]));
        }
    }
}
