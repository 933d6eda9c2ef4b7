using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Serialization;

namespace TiKvActors.StandIns.Tests.Serializing;

/// <summary>What the recorded serialization scenarios do not say.</summary>
public class SerializationTests
{
    public interface ICommand;

    public interface IUrgentCommand : ICommand;

    public class Put : ICommand;

    public sealed class UrgentPut : Put, IUrgentCommand;

    public sealed class Tagged(ExtendedActorSystem system, Config settings) : Serializer(system)
    {
        public string Tag { get; } = settings.GetString("tag");

        public override int Identifier => 9301;

        public override bool IncludeManifest => true;

        public override byte[] ToBinary(object obj) => [];

        public override object FromBinary(byte[] bytes, Type type) => Activator.CreateInstance(type);
    }

    public abstract class Fake(ExtendedActorSystem system) : Serializer(system)
    {
        public override bool IncludeManifest => false;

        public override byte[] ToBinary(object obj) => [];

        public override object FromBinary(byte[] bytes, Type type) => null;
    }

    public sealed class ForCommands(ExtendedActorSystem system) : Fake(system)
    {
        public override int Identifier => 9302;
    }

    public sealed class ForUrgent(ExtendedActorSystem system) : Fake(system)
    {
        public override int Identifier => 9303;
    }

    public sealed class Order
    {
        public Order(string name, int amount, IActorRef owner)
        {
            Name = name;
            Amount = amount;
            Owner = owner;
        }

        public string Name { get; }

        public int Amount { get; }

        public IActorRef Owner { get; }

        public object Anything { get; set; }

        public decimal[] Prices { get; set; }
    }

    private static string NameOf(Type type) => $"\"{type.FullName}, {type.Assembly.GetName().Name}\"";

    private static async Task With(string hocon, Func<ActorSystem, Task> act)
    {
        var system = ActorSystem.Create(
            "serializing", ConfigurationFactory.ParseString(hocon + "\nakka.loglevel = OFF, akka.stdout-loglevel = OFF"));
        try
        {
            await act(system);
        }
        finally
        {
            await system.Terminate();
        }
    }

    private static Task With(string hocon, Action<ActorSystem> act) => With(hocon, system =>
    {
        act(system);
        return Task.CompletedTask;
    });

    [Fact]
    public Task The_most_special_binding_wins_whatever_the_order() => With($$"""
        akka.actor.serializers { commands = {{NameOf(typeof(ForCommands))}}, urgent = {{NameOf(typeof(ForUrgent))}} }
        akka.actor.serialization-bindings { {{NameOf(typeof(ICommand))}} = commands, {{NameOf(typeof(IUrgentCommand))}} = urgent }
        """, system =>
    {
        Assert.IsType<ForUrgent>(system.Serialization.FindSerializerForType(typeof(UrgentPut)));
        Assert.IsType<ForCommands>(system.Serialization.FindSerializerForType(typeof(Put)));
        Assert.IsType<ForUrgent>(system.Serialization.FindSerializerFor(new UrgentPut()));
    });

    [Fact]
    public Task A_serializer_with_settings_gets_them_and_a_manifest_names_the_class() => With($$"""
        akka.actor.serializers.tagged = {{NameOf(typeof(Tagged))}}
        akka.actor.serialization-settings.tagged.tag = blue
        akka.actor.serialization-bindings { {{NameOf(typeof(Put))}} = tagged }
        """, system =>
    {
        var serializer = Assert.IsType<Tagged>(system.Serialization.FindSerializerForType(typeof(Put)));
        Assert.Equal("blue", serializer.Tag);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, new Put());
        Assert.IsType<Put>(system.Serialization.Deserialize([], serializer.Identifier, manifest));
        Assert.Throws<SerializationException>(() => system.Serialization.Deserialize([], serializer.Identifier, "No.Such.Class, Nowhere"));
    });

    [Fact]
    public Task A_setup_goes_before_the_configuration()
    {
        var setup = SerializationSetup.Create(system =>
            ImmutableHashSet.Create(SerializerDetails.Create("urgent", new ForUrgent(system), ImmutableHashSet.Create(typeof(ICommand)))));
        var hocon = $$"""
            akka.loglevel = OFF, akka.stdout-loglevel = OFF
            akka.actor.serializers.commands = {{NameOf(typeof(ForCommands))}}
            akka.actor.serialization-bindings { {{NameOf(typeof(ICommand))}} = commands }
            """;
        var system = ActorSystem.Create(
            "serializing", ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(hocon)), setup));
        Assert.IsType<ForUrgent>(system.Serialization.FindSerializerForType(typeof(Put)));
        return system.Terminate();
    }

    [Fact]
    public Task A_named_default_stands_in_for_that_of_all_objects_only() => With($$"""
        akka.actor.serializers { commands = {{NameOf(typeof(ForCommands))}}, urgent = {{NameOf(typeof(ForUrgent))}} }
        akka.actor.serialization-bindings { {{NameOf(typeof(ICommand))}} = commands }
        """, system =>
    {
        Assert.IsType<ForUrgent>(system.Serialization.FindSerializerForType(typeof(Uri), "urgent"));
        Assert.IsType<ForCommands>(system.Serialization.FindSerializerForType(typeof(Put), "urgent"));
        Assert.IsType<NewtonSoftJsonSerializer>(system.Serialization.FindSerializerForType(typeof(Uri)));
    });

    [Fact]
    public Task The_default_serializer_keeps_classes_numbers_and_actor_references() => With("", async system =>
    {
        var owner = system.ActorOf(Props.Empty, "owner");
        var serialization = system.Serialization;
        object Back(object message)
        {
            var serializer = serialization.FindSerializerFor(message);
            return serialization.Deserialize(
                serialization.Serialize(message), serializer.Identifier, Akka.Serialization.Serialization.ManifestFor(serializer, message));
        }

        var order = Assert.IsType<Order>(Back(new Order("x", 3, owner) { Anything = 2.5m, Prices = [1.10m, 2m] }));
        Assert.Equal(("x", 3, owner, 2.5m), (order.Name, order.Amount, order.Owner, order.Anything));
        Assert.Equal([1.10m, 2m], order.Prices);
        foreach (var value in new object[]
        {
            1, -1, int.MinValue, 1.5f, 2.5m, 3L, 4.5, "text", true, owner, new[] { 1, 2 }, new Dictionary<string, object> { ["k"] = 5 }
        })
            Assert.Equal(value, Back(value));
        await Task.CompletedTask;
    });

    [Fact]
    public Task Transport_information_is_there_only_while_serializing() => With("", system =>
    {
        var extended = (ExtendedActorSystem)system;
        Assert.Throws<InvalidOperationException>(Akka.Serialization.Serialization.GetCurrentTransportInformation);
        var seen = Akka.Serialization.Serialization.WithTransport(
            extended, Akka.Serialization.Serialization.GetCurrentTransportInformation);
        Assert.Same(system, seen.System);
        Assert.Throws<InvalidOperationException>(Akka.Serialization.Serialization.GetCurrentTransportInformation);

        var elsewhere = Address.Parse("akka.tcp://serializing@example:1234");
        var reference = system.ActorOf(Props.Empty, "written");
        var written = System.Text.Encoding.UTF8.GetString(
            system.Serialization.FindSerializerFor(reference).ToBinaryWithAddress(elsewhere, reference));
        Assert.Contains("akka.tcp://serializing@example:1234/user/written", written, StringComparison.Ordinal);
        Assert.StartsWith(
            "akka://serializing/user/written#", Akka.Serialization.Serialization.SerializedActorPath(reference), StringComparison.Ordinal);
    });
}
