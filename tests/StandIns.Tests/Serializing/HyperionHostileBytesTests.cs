using System.Collections;
using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text;
using Hyperion;
using Hyperion.Internal;
using Hyperion.ValueSerializers;
using GraphSerializer = Hyperion.Serializer;

namespace TiKvActors.StandIns.Tests.Serializing;

/// <summary>
/// Bytes from somebody who means harm, or from a broken disk: only allowed types are made, and no more memory is taken than bytes are
/// there.
/// </summary>
public class HyperionHostileBytesTests
{
    private static readonly SerializerOptions _careful =
        SerializerOptions.Default.WithPreserveObjectReferences(true).WithVersionTolerance(true);

    private static readonly Type[] _allowed =
    [
        typeof(Allowed), typeof(AllowedPair), typeof(List<Allowed>), typeof(Dictionary<string, AllowedPair>), typeof(ImmutableList<int>),
            typeof(DayOfWeek), typeof(TimeoutException)
    ];

    private static readonly Type[] _primitive =
    [
        typeof(object), typeof(string), typeof(decimal), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset)
    ];

    /// <summary>Set by the static constructors of what must never be touched.</summary>
    private static int _touched;

    public sealed record Allowed(int Number, object Anything);

    public struct AllowedPair
    {
        public string Key;
        public long[] Numbers;
    }

    public sealed class Trap
    {
        static Trap() => _touched++;

        ~Trap() => _touched++;
    }

    public sealed class Box<T>
    {
        public T Content;

        static Box() => _touched++;
    }

    public sealed class Decoy
    {
        public int Field;
    }

    private static GraphSerializer Open { get; } = new(_careful);

    private static GraphSerializer Strict { get; } = new(_careful.WithTypeFilter(Filter()));

    /// <summary>Its messages hold few names, so that damage hits the structure.</summary>
    private static GraphSerializer StrictAndKnowing { get; } = new(_careful.WithTypeFilter(Filter()).WithKnownTypes([.. _allowed,
        typeof(Decoy)]));

    private static Allowed Rich { get; } = new(1, new object[]
    {
        new List<Allowed> { new(2, null), new(3, "åß∂") }, new Dictionary<string,
        AllowedPair> { ["k"] = new() { Key = "k", Numbers = [1, 2, 3] } }, ImmutableList.Create(1, 2, 3),
        DayOfWeek.Friday, new TimeoutException("t"), Guid.Empty, 1.5m, DateTime.UnixEpoch, DateTimeOffset.UnixEpoch, 'c', 2.5, 1.5f, true,
            (byte)1, new byte[] { 1, 2 }, typeof(Allowed),
        new Allowed[] { new(4, null), null }, new AllowedPair[1], new DateTime[2], new string[] { "x", null }
    });

    private static TypeFilter Filter() => _allowed.Aggregate(TypeFilterBuilder.Create(), (all, type) => all.Include(type)).Build();

    private static byte[] Bytes(GraphSerializer serializer, object value) => HyperionTests.Bytes(serializer, value);

    private static object Value(GraphSerializer serializer, byte[] bytes) => HyperionTests.Value(serializer, bytes);

    /// <summary>A message whose value is made by hand.</summary>
    private static byte[] Message(params byte[][] parts)
    {
        var value = parts.SelectMany(p => p).ToArray();
        return [1, 3, .. Length(value.Length), .. value];
    }

    private static byte[] Length(int length) =>
        [(byte)(length | 0x80), (byte)((length >> 7) | 0x80), (byte)((length >> 14) | 0x80), (byte)(length >> 21)];

    private static byte[] Named(string type, byte manifest = ObjectSerializer.ManifestFull) =>
        [manifest, 0, 0, .. Length(Encoding.UTF8.GetByteCount(type)), .. Encoding.UTF8.GetBytes(type)];

    private static string NameOf(Type type) => TypeFilterBuilder.Create().Include(type).Build().FilteredTypes.Single();

    [Fact]
    public void Only_listed_types_are_written_and_read_wherever_they_stand()
    {
        Assert.Equal(Rich.Number, ((Allowed)Value(Strict, Bytes(Strict, Rich))).Number);
        object[] refused =
        [
            new Decoy(), new Decoy[1], new List<int>(), new List<Decoy>(), new Allowed(1, new Decoy()),
            new Allowed(1, new object[] { 1, new Decoy() }), typeof(Decoy), new Allowed(1, typeof(List<Decoy>)),
            TimeSpan.Zero, new InvalidOperationException(), new Allowed(1, new TimeoutException("t", new InvalidOperationException())),
                DateTimeKind.Local
        ];
        foreach (var value in refused)
        {
            Assert.Throws<UserEvilDeserializationException>(() => Bytes(Strict, value));
            var bytes = Bytes(Open, value);
            Assert.Throws<UserEvilDeserializationException>(() => Value(Strict, bytes));
        }
    }

    [Fact]
    public void A_refused_type_is_not_touched()
    {
        foreach (var name in new[] { NameOf(typeof(Trap)), NameOf(typeof(Box<int>)) })
        {
            foreach (var manifest in new[] { ObjectSerializer.ManifestFull, ObjectSerializer.ManifestVersion, (byte)16 })
                Assert.Throws<UserEvilDeserializationException>(() => Value(Strict, Message(Named(name, manifest), [0])));
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(0, _touched);

        // The trap works: allowed, it is made.
        Assert.IsType<Box<int>>(Value(Open, Message(Named(NameOf(typeof(Box<int>)), ObjectSerializer.ManifestVersion), [0])));
        Assert.Equal(1, _touched);
    }

    [Fact]
    public void An_unlisted_assembly_is_not_even_looked_for()
    {
        var asked = new List<string>();
        ResolveEventHandler handler = (_, missing) =>
        {
            asked.Add(missing.Name);
            return null;
        };
        AppDomain.CurrentDomain.AssemblyResolve += handler;
        try
        {
            Assert.Throws<UserEvilDeserializationException>(() => Value(Strict, Message(Named("Some.Class, Nowhere.To.Be.Found"))));
            Assert.DoesNotContain(asked, name => name.Contains("Nowhere"));
            Assert.Throws<SerializationException>(() => Value(Open, Message(Named("Some.Class, Nowhere.To.Be.Found"))));
            Assert.Contains(asked, name => name.Contains("Nowhere"));
            asked.Clear();
            Assert.Throws<EvilDeserializationException>(() => Value(Open,
                Message(Named("System.Management.Automation.PSObject, Nowhere.To.Be.Found"))));
            Assert.Empty(asked);
        }
        finally
        {
            AppDomain.CurrentDomain.AssemblyResolve -= handler;
        }
    }

    [Theory]
    [InlineData(typeof(FileInfo))]
    [InlineData(typeof(DirectoryInfo))]
    [InlineData(typeof(System.Diagnostics.Process))]
    [InlineData(typeof(System.Security.Claims.ClaimsPrincipal))]
    [InlineData(typeof(List<FileInfo>))]
    public void Dangerous_types_are_refused_also_where_they_are_listed(Type dangerous)
    {
        var listed = new GraphSerializer(_careful.WithTypeFilter(TypeFilterBuilder.Create().Include(dangerous).Build()));
        foreach (var serializer in new[] { Open, listed })
        {
            Assert.IsType<EvilDeserializationException>(Record.Exception(() =>
                Value(serializer, Message(Named(NameOf(dangerous), ObjectSerializer.ManifestVersion), [0]))));
            Assert.IsType<EvilDeserializationException>(Record.Exception(() => Bytes(serializer, dangerous)));
        }
        // With the list of dangerous classes switched off they are still classes of the framework that nobody builds from bytes.
        if (dangerous.IsGenericType) return;
        var careless = new GraphSerializer(_careful.WithDisallowUnsafeType(false));
        Assert.Throws<UnsupportedTypeException>(() => Value(careless,
            Message(Named(NameOf(dangerous), ObjectSerializer.ManifestVersion), [0])));
    }

    [Theory]
    [InlineData(typeof(Action))]
    [InlineData(typeof(MemoryStream))]
    [InlineData(typeof(Thread))]
    [InlineData(typeof(Microsoft.Win32.SafeHandles.SafeFileHandle))]
    [InlineData(typeof(Memory<byte>))]
    [InlineData(typeof(IntPtr))]
    [InlineData(typeof(Lazy<int>))]
    [InlineData(typeof(string))]
    [InlineData(typeof(int?))]
    [InlineData(typeof(IDisposable))]
    [InlineData(typeof(Stream))]
    [InlineData(typeof(void))]
    [InlineData(typeof(List<>))]
    [InlineData(typeof(ReadOnlySpan<byte>))]
    [InlineData(typeof(TypedReference))]
    public void Types_whose_objects_bytes_cannot_make_are_refused(Type type)
    {
        var exception = Record.Exception(() => Value(Open, Message(Named(NameOf(type), ObjectSerializer.ManifestVersion), [0])));
        Assert.True(exception is UnsupportedTypeException, $"{exception}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("System.Int32")]
    [InlineData("System.Int32*, System.Private.CoreLib")]
    [InlineData("System.Int32&, System.Private.CoreLib")]
    [InlineData("System.Int32[,], System.Private.CoreLib")]
    [InlineData("[[[[, ")]
    [InlineData("System.Collections.Generic.List`1[[System.Int32]], System.Private.CoreLib, Version=a.b")]
    public void Names_that_are_none_are_refused(string name) =>
        Assert.Throws<SerializationException>(() => Value(Open, Message(Named(name), [0])));

    [Fact]
    public void A_name_of_endless_generic_arguments_does_not_end_the_process()
    {
        const int Depth = 200_000;
        var open = string.Concat(Enumerable.Repeat("System.Collections.Generic.List`1[[", Depth));
        var close = string.Concat(Enumerable.Repeat("]], System.Private.CoreLib", Depth));
        Assert.Throws<SerializationException>(() => Value(Open, Message(Named(open + "System.Int32, System.Private.CoreLib" + close))));
        Assert.Throws<SerializationException>(() => Value(Open,
            Message([ObjectSerializer.ManifestFull], Length(Depth), Named("System.Int32, System.Private.CoreLib")[2..])));
    }

    [Fact]
    public void Every_part_of_a_message_is_refused()
    {
        var bytes = Bytes(Strict, Rich);
        for (var length = 0; length < bytes.Length; length++)
        {
            var cut = bytes[..length];
            Assert.Throws<SerializationException>(() => Value(Strict, cut));
            // The same with a length that is right: the value itself ends too early.
            if (length > 4) Assert.Throws<SerializationException>(() => Value(Strict, Message(cut[4..])));
        }
        Assert.Throws<SerializationException>(() => Value(Strict, [2, .. bytes[1..]]));
        Assert.Throws<SerializationException>(() => Value(Strict, [1, 4, .. bytes[2..]]));
    }

    [Fact]
    public void A_field_gets_no_value_of_another_type()
    {
        byte[] Decoy(params byte[] content) =>
            Message(Named(NameOf(typeof(Decoy)), ObjectSerializer.ManifestVersion), [1, 0, 5],
                Encoding.UTF8.GetBytes(nameof(HyperionHostileBytesTests.Decoy.Field)), content);

        Assert.Equal(258, ((Decoy)Value(Open, Decoy(7, 2, 1, 0, 0))).Field);
        Assert.Throws<SerializationException>(() => Value(Open, Decoy(0)));
        Assert.Throws<SerializationException>(() => Value(Open, Decoy(1)));
        Assert.Throws<SerializationException>(() => Value(Open, Decoy(9, 1, 0, 0, 0, 0, 0, 0, 0)));
    }

    [Fact]
    public void Announced_lengths_take_no_memory()
    {
        var bytes = Bytes(Strict, Rich);
        // Once, so that what is built only once does not count.
        Value(Strict, bytes);
        for (var at = 2; at < bytes.Length; at++)
        {
            // Where a length or a count stands it is now 2^31 - 1; the message's own length fits except in its place.
            byte[] value = [.. bytes[4..Math.Max(at, 4)], 0xff, 0xff, 0xff, 0xff, 0x07, .. bytes[Math.Max(at + 1, 5)..]];
            byte[] broken = at < 4 ? [.. bytes[..at], 0xff, 0xff, 0xff, 0xff, 0x07, .. bytes[(at + 1)..]] : Message(value);
            var before = GC.GetAllocatedBytesForCurrentThread();
            OutcomeOf(Strict, broken, $"position {at}");
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < 1 << 20, $"position {at}: {taken} bytes");
        }
    }

    [Theory]
    [InlineData(4711)]
    [InlineData(4712)]
    public void Damaged_messages_are_refused_or_read_and_nothing_else(int seed)
    {
        var random = new Random(seed);
        byte[][] messages =
        [
            Bytes(Strict, Rich), Bytes(StrictAndKnowing, Rich), Bytes(StrictAndKnowing, Rich),
                Bytes(new GraphSerializer(SerializerOptions.Default), Rich),
            Bytes(Open, new object[] { new Decoy(), new List<Decoy>(), new InvalidOperationException(), TimeSpan.Zero }),
                Bytes(Open, HyperionTests.Values.ToArray()),
            Bytes(Open, HyperionTests.Collections.ToArray())
        ];
        var read = 0;
        for (var round = 0; round < 6_000; round++)
        {
            var damaged = Damage(messages[random.Next(messages.Length)], messages[random.Next(messages.Length)], random);
            var what = $"seed {seed}, round {round}: {Convert.ToHexString(damaged)}";
            OutcomeOf(Open, damaged, what);
            if (OutcomeOf(StrictAndKnowing, damaged, what) is not { } value) continue;
            read++;
            AssertAllowed(value, new HashSet<object>(ReferenceEqualityComparer.Instance), what);
        }
        Assert.True(read > 150, $"only {read} of the damaged messages could be read: the damage is not subtle enough to test anything");
    }

    /// <summary>The value, or null for one of the exceptions that may be thrown.</summary>
    private static object OutcomeOf(GraphSerializer serializer, byte[] bytes, string what)
    {
        try
        {
            return Value(serializer, bytes);
        }
        catch (Exception e) when (
            e is SerializationException or EvilDeserializationException or UnsupportedTypeException or TypeLoadException)
        {
            return null;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(what, e);
        }
    }

    private static void AssertAllowed(object value, HashSet<object> seen, string what)
    {
        if (value is null or Type || !seen.Add(value)) return;
        var type = value.GetType();
        while (type.IsArray) type = type.GetElementType()!;
        Assert.True(type.IsPrimitive || _primitive.Contains(type) || _allowed.Contains(type), $"{what}: {type}");
        object[] parts = value switch
        {
            Allowed allowed => [allowed.Anything],
            Exception exception => [exception.InnerException],
            IDictionary map => [.. map.Values],
            string => [],
            IEnumerable all => [.. all],
            _ => []
        };
        foreach (var part in parts) AssertAllowed(part, seen, what);
    }

    private static byte[] Damage(byte[] message, byte[] other, Random random)
    {
        var bytes = message.ToList();
        for (var times = random.Next(4) == 0 ? 3 : 1; times > 0; times--)
        {
            // Mostly the value, not the few bytes before it, which are checked first.
            var at = random.Next(Math.Min(4, bytes.Count - 1), bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes[at] = (byte)random.Next(245, 256);
                    break;
                case 3:
                    bytes.RemoveAt(at);
                    break;
                case 4:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                default:
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 40))]);
                    break;
            }
            if (bytes.Count < 2) break;
        }
        // The length is made right again, most of the time.
        return random.Next(10) == 0 ? [.. bytes] : [1, bytes[1], .. Length(bytes.Count - 4), .. bytes[4..]];
    }
}
