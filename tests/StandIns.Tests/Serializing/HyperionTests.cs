using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Net;
using System.Runtime.Serialization;
using Hyperion;
using Hyperion.SerializerFactories;
using Hyperion.ValueSerializers;
using GraphSerializer = Hyperion.Serializer;

namespace TiKvActors.StandIns.Tests.Serializing;

/// <summary>Object graphs: what comes back, and what is refused instead of coming back as something else.</summary>
public class HyperionTests
{
    private static readonly SerializerOptions _careful =
        SerializerOptions.Default.WithPreserveObjectReferences(true).WithVersionTolerance(true);

    public enum Small : sbyte
    {
        Low = -128
    }

    public enum Large : ulong
    {
        High = ulong.MaxValue
    }

    public sealed record Point(int X, int Y);

    public readonly record struct Span(long From, long? To);

    public record Shape<T>(string Name, T Value);

    public sealed record Circle(string Name, Point Value, double Radius) : Shape<Point>(Name, Value);

    public sealed class Node
    {
        public string Name { get; init; }

        public Node Next { get; set; }

        public object Anything { get; set; }
    }

    public class Hidden
    {
        private readonly int _value;

        public Hidden(int value) => _value = value;

        public int BaseValue => _value;
    }

    public sealed class Hiding(int value, int own) : Hidden(value)
    {
        private readonly int _value = own;
        [NonSerialized] private int _notSerialized = own;
        [Ignore] private int _ignored = own;

        public (int, int, int) Own => (_value, _notSerialized, _ignored);

        public void Forget() => _notSerialized = _ignored = 0;
    }

    public sealed class Failure(string message, int code, Exception cause) : InvalidOperationException(message, cause)
    {
        public int Code { get; } = code;
    }

    private static GraphSerializer Plain { get; } = new();

    private static GraphSerializer Careful { get; } = new(_careful);

    internal static byte[] Bytes(GraphSerializer serializer, object value)
    {
        using var stream = new MemoryStream();
        serializer.Serialize(value, stream);
        return stream.ToArray();
    }

    internal static object Value(GraphSerializer serializer, byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        return serializer.Deserialize(stream);
    }

    private static T Back<T>(T value, GraphSerializer serializer = null) =>
        (T)Value(serializer ?? Careful, Bytes(serializer ?? Careful, value));

    public static IEnumerable<object> Values =>
    [
        true, (byte)255, sbyte.MinValue, short.MinValue, ushort.MaxValue, int.MinValue, uint.MaxValue, long.MinValue, ulong.MaxValue, 'ß',
        '\ud800',
        float.NaN, float.Epsilon, double.NegativeInfinity, -0.0, decimal.MinValue, 1.10m, "", "åß∂🙂", "half a pair: \ud83d!",
        Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), DateTime.MaxValue, new DateTime(2024, 2, 29, 1, 2, 3, DateTimeKind.Local),
        new DateTime(5, DateTimeKind.Utc),
        new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.FromMinutes(-210)), TimeSpan.MinValue, DateOnly.MaxValue, TimeOnly.MaxValue,
        (Half)1.5, Int128.MinValue, UInt128.MaxValue,
        ^3, 1..^2, Small.Low, Large.High, DayOfWeek.Friday, typeof(Point), typeof(int[][]), typeof(Dictionary<string, Point[]>),
        (1, "x"), (1, 2, 3, 4, 5, 6, 7, 8, "nine"), Tuple.Create(1, (object)"x"), KeyValuePair.Create("k", 1), new DictionaryEntry("k", 1),
        new Point(1, -2), new Span(1, null), new Span(1, 2), new Shape<int>("s", 1), new Circle("c", new Point(1, 2), 0.5),
        new { Anonymous = 1, Inner = new { Name = "x" } },
        new Uri("https://example.org/a%20b?c"), new Uri("../relative", UriKind.Relative), new Version(1, 2, 3), IPAddress.Loopback,
        IPAddress.IPv6Any, IPEndPoint.Parse("[::1]:80")
    ];

    public static IEnumerable<IEnumerable> Collections =>
    [
        new byte[] { 0, 255 }, Array.Empty<int>(), new[] { 1, 2 }, new[] { "a", null }, new[] { 1, default(int?) },
        new object[] { 1, "a", null, Small.Low }, new[] { new[] { 1 }, null, [] },
        new[] { new Point(1, 2) }, new[] { new Span(1, 2) }, new[] { Small.Low }, new Exception[2],
        new List<Point> { new(1, 2), null }, new List<int?> { 1, null }, new HashSet<string> { "a", "b" }, new SortedSet<int> { 3, 1 },
        new LinkedList<int>([1, 2]), new Collection<int> { 1 },
        new ReadOnlyCollection<int>([1, 2]), new Queue<int>([1, 2, 3]), new Stack<int>([1, 2, 3]), new ConcurrentQueue<int>([1, 2, 3]),
        new Dictionary<string, List<int>> { ["k"] = [1], ["n"] = null }, new SortedDictionary<int, string> { [2] = "b", [1] = "a" },
        new SortedList<int, string> { [2] = "b", [1] = "a" },
        new ConcurrentDictionary<int, string> { [1] = "a" }, ImmutableArray.Create(1, 2), ImmutableList.Create(1, 2),
        ImmutableQueue.Create(1, 2, 3), ImmutableStack.Create(1, 2, 3),
        ImmutableHashSet.Create("a"), ImmutableSortedSet.Create(3, 1), ImmutableDictionary<string, Point>.Empty.Add("k", new Point(1, 2)),
        ImmutableSortedDictionary<int, string>.Empty.Add(1, "a"),
        new HashSet<string>(StringComparer.Ordinal) { "a" }
    ];

    [Fact]
    public void Values_come_back_equal_and_of_the_same_class()
    {
        foreach (var serializer in new[] { Plain, Careful })
        foreach (var value in Values)
        {
            var back = Back(value, serializer);
            Assert.Equal(value, back);
            Assert.True(value is Type or IPAddress || value.GetType() == back.GetType(), $"{value.GetType()} became {back.GetType()}");
        }
        Assert.Equal(DateTimeKind.Local, Back(new DateTime(1, DateTimeKind.Local)).Kind);
        Assert.Equal(TimeSpan.FromHours(2), Back(new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.FromHours(2))).Offset);
        Assert.Equal("1.10", Back(1.10m).ToString());
        Assert.True(double.IsNegative(Back(-0.0)));
        Assert.Equal(typeof(object), Back(new object()).GetType());
    }

    [Fact]
    public void Collections_come_back_with_their_elements_in_order()
    {
        foreach (var serializer in new[] { Plain, Careful })
        foreach (var value in Collections)
        {
            var back = Back(value, serializer);
            Assert.Equal(value.GetType(), back.GetType());
            Assert.Equal(value.Cast<object>(), back.Cast<object>());
        }
        Assert.True(Back(new Shape<ImmutableArray<int>>("none", default)).Value.IsDefault);
        var set = Back(new HashSet<string> { "a" });
        Assert.Contains("a", set);
        Assert.False(set.Add("a"));
    }

    [Fact]
    public void A_collection_with_another_order_or_equality_is_refused_rather_than_changed()
    {
        object[] changed =
        [
            new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase), new HashSet<object>(ReferenceEqualityComparer.Instance),
            new SortedSet<string>(StringComparer.OrdinalIgnoreCase),
            new SortedDictionary<int, int>(Comparer<int>.Create((a, b) => b - a)),
            ImmutableHashSet.Create<string>(StringComparer.OrdinalIgnoreCase),
            ImmutableDictionary.Create<string, string>(null, StringComparer.OrdinalIgnoreCase)
        ];
        foreach (var collection in changed) Assert.Throws<UnsupportedTypeException>(() => Bytes(Plain, collection));
    }

    [Fact]
    public void References_are_kept_also_in_circles_and_equal_objects_stay_two()
    {
        var point = new Point(1, 2);
        var back = Back(new object[] { point, point, new Point(1, 2) });
        Assert.Same(back[0], back[1]);
        Assert.Equal(back[0], back[2]);
        Assert.NotSame(back[0], back[2]);

        var node = new Node { Name = "a", Next = new Node { Name = "b" } };
        node.Next.Next = node;
        var (list, map, array) = (new List<object>(), new Dictionary<string, object>(), new object[1]);
        list.Add(list);
        map["self"] = map;
        array[0] = array;
        node.Anything = new object[] { list, map, array };
        var circle = Back(node);
        Assert.Same(circle, circle.Next.Next);
        var inside = (object[])circle.Anything;
        Assert.Same(inside[0], ((List<object>)inside[0])[0]);
        Assert.Same(inside[1], ((Dictionary<string, object>)inside[1])["self"]);
        Assert.Same(inside[2], ((object[])inside[2])[0]);
    }

    [Fact]
    public void Without_references_shared_objects_become_two_and_circles_are_refused()
    {
        var point = new Point(1, 2);
        var back = Back(new[] { point, point }, Plain);
        Assert.NotSame(back[0], back[1]);
        Assert.Equal(back[0], back[1]);

        var node = new Node();
        node.Next = node;
        Assert.Throws<SerializationException>(() => Bytes(Plain, node));
    }

    [Fact]
    public void A_circle_may_begin_with_what_is_made_before_its_parts_only()
    {
        var node = new Node();
        var list = ImmutableList.Create(node);
        node.Anything = list;
        var back = Back(node);
        Assert.Same(back, ((ImmutableList<Node>)back.Anything)[0]);
        Assert.Throws<SerializationException>(() => Back(list));
    }

    [Fact]
    public void Nesting_that_the_stack_cannot_hold_is_an_exception_on_both_sides()
    {
        Node chain = null;
        for (var i = 0; i < 200_000; i++) chain = new Node { Next = chain };
        Assert.Throws<SerializationException>(() => Bytes(Careful, chain));

        byte[] bytes = null;
        var roomy = new Thread(() =>
        {
            Node shorter = null;
            for (var i = 0; i < 50_000; i++) shorter = new Node { Next = shorter };
            bytes = Bytes(Careful, shorter);
        }, 512 << 20);
        roomy.Start();
        roomy.Join();
        Exception thrown = null;
        var narrow = new Thread(() => thrown = Record.Exception(() => Value(Careful, bytes)), 1 << 20);
        narrow.Start();
        narrow.Join();
        Assert.IsType<SerializationException>(thrown);
    }

    public sealed class Version1
    {
        public string Gone;
        public int Kept;
        public object GoneToo;
    }

    public sealed class Version2
    {
        public string Added = "not from a constructor";
        public int Kept;
    }

    [Fact]
    public void Other_fields_are_skipped_or_left_empty_only_if_versions_are_tolerated()
    {
        // The same bytes read where the class has changed.
        static SerializerOptions Later(SerializerOptions options) =>
            options.WithPackageNameOverrides([name => name.Replace(nameof(Version1), nameof(Version2))]);
        var shared = new Point(1, 2);
        var old = new object[] { new Version1 { Gone = "g", Kept = 5, GoneToo = shared }, shared, new Version1 { Kept = 6 } };
        var read = (object[])Value(new GraphSerializer(Later(_careful)), Bytes(Careful, old));
        Assert.Equal([5, 6], read.OfType<Version2>().Select(v => v.Kept));
        Assert.All(read.OfType<Version2>(), v => Assert.Null(v.Added));
        Assert.Equal(shared, read[1]);

        var strict = SerializerOptions.Default;
        Assert.Throws<SerializationException>(() => Value(new GraphSerializer(Later(strict)), Bytes(new GraphSerializer(strict), old)));
        Assert.True(Bytes(Plain, new Version1()).Length < Bytes(new GraphSerializer(strict.WithVersionTolerance(true)),
            new Version1()).Length);
    }

    [Fact]
    public void Private_and_inherited_fields_travel_and_ignored_ones_do_not()
    {
        var back = Back(new Hiding(1, 2));
        Assert.Equal(1, back.BaseValue);
        Assert.Equal((2, 0, 0), back.Own);
        back.Forget();
    }

    [Fact]
    public void Exceptions_keep_class_message_cause_code_trace_and_fields()
    {
        var cause = Assert.Throws<ArgumentOutOfRangeException>(void () =>
            throw new ArgumentOutOfRangeException("size", 5, "too large") { HResult = 77 });
        var back = Back(new Failure("failed", 3, cause));
        Assert.Equal(("failed", 3), (back.Message, back.Code));
        var inner = Assert.IsType<ArgumentOutOfRangeException>(back.InnerException);
        Assert.Equal(("size", 77), (inner.ParamName, inner.HResult));
        Assert.Contains(nameof(Exceptions_keep_class_message_cause_code_trace_and_fields), inner.StackTrace);
        Assert.StartsWith("too large", inner.Message);

        var many = Back(new AggregateException("several", new TimeoutException("a"), new OperationCanceledException("b")));
        Assert.Equal(["a", "b"], many.InnerExceptions.Select(e => e.Message));
        Assert.StartsWith("several", many.Message);
        Assert.Equal(new InvalidOperationException().Message, Back(new InvalidOperationException()).Message);
    }

    public sealed class Handle(string path)
    {
        public string Path { get; } = path;

        public Action Work { get; } = () => { };
    }

    public readonly struct Celsius(Action<string> log, int degrees)
    {
        public Action<string> Log { get; } = log;

        public int Degrees { get; } = degrees;
    }

    [Fact]
    public void Surrogates_travel_instead_also_of_structs_and_as_primitive_values()
    {
        var serializer = new GraphSerializer(_careful.WithSurrogates(
        [
            Surrogate.Create<Handle, string>(handle => handle.Path, path => new Handle(path)),
            Surrogate.Create<Celsius, Point>(c => new Point(c.Degrees, 0), p => new Celsius(null, p.X))
        ]));
        var handle = new Handle("/x");
        var back = Back(new object[] { handle, handle, new Celsius(null, 7), "/x", new Point(7, 0) }, serializer);
        Assert.Equal("/x", Assert.IsType<Handle>(back[0]).Path);
        Assert.Same(back[0], back[1]);
        Assert.Equal(7, Assert.IsType<Celsius>(back[2]).Degrees);
        Assert.Equal(["/x", new Point(7, 0)], back[3..]);
        Assert.Throws<UnsupportedTypeException>(() => Bytes(Careful, handle));
        Assert.Throws<SerializationException>(() => Value(Careful, Bytes(serializer, handle)));
    }

    private sealed class LazyFactory : ValueSerializerFactory
    {
        public override bool CanSerialize(GraphSerializer serializer, Type type) =>
            type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Lazy<>);

        public override bool CanDeserialize(GraphSerializer serializer, Type type) => CanSerialize(serializer, type);

        public override ValueSerializer BuildSerializer(GraphSerializer serializer, Type type, ConcurrentDictionary<Type,
            ValueSerializer> typeMapping)
        {
            var made = new ObjectSerializer(type);
            made.Initialize(
                (stream, session) =>
                {
                    var lazy = Activator.CreateInstance(type, session.Serializer.Deserialize(stream, session));
                    session.TrackDeserializedObject(lazy);
                    return lazy;
                },
                (stream, lazy, session) =>
                {
                    session.TrackSerializedObject(lazy);
                    session.Serializer.Serialize(type.GetProperty("Value")!.GetValue(lazy), stream, session);
                });
            typeMapping.TryAdd(type, made);
            return made;
        }
    }

    [Fact]
    public void A_factory_serves_types_that_are_not_supported()
    {
        var lazy = new Lazy<Point>(new Point(1, 2));
        Assert.Throws<UnsupportedTypeException>(() => Bytes(Careful, lazy));
        var serializer = new GraphSerializer(_careful.WithSerializerFactory([new LazyFactory()]));
        var back = Back(new object[] { lazy, lazy, lazy.Value }, serializer);
        Assert.Same(back[0], back[1]);
        Assert.Same(((Lazy<Point>)back[0]).Value, back[2]);
    }

    [Fact]
    public void Known_types_have_short_names_that_a_reader_without_them_refuses()
    {
        var known = new GraphSerializer(_careful.WithKnownTypes([typeof(List<Point>), typeof(Point)]));
        var value = new List<Point> { new(1, 2), new(3, 4) };
        Assert.Equal(value, Back(value, known));
        Assert.True(Bytes(known, value).Length < Bytes(Careful, value).Length);
        Assert.Throws<SerializationException>(() => Value(Careful, Bytes(known, value)));
    }

    public static IEnumerable<object> Unsupported =>
    [
        () => 1, new MemoryStream(), Task.CompletedTask, new CancellationTokenSource(), new Timer(_ => { }), new Thread(() => { }),
        new nint[1], new int[1, 1], new Lazy<int>(1), new Numbers { 1 },
        new Shape<Action>("inside", () => { }), new Memory<byte>(new byte[1]), new ArraySegment<byte>(new byte[1]),
        new[] { 1 }.Select(x => x), new WeakReference(new object()), typeof(Point).GetMethods()[0]
    ];

    public sealed class Numbers : List<int>;

    [Fact]
    public void What_cannot_come_back_is_refused_when_it_is_written()
    {
        Type[] nameless = [typeof(int[,]), typeof(int*), typeof(List<>).GetGenericArguments()[0]];
        foreach (var value in Unsupported.Concat(nameless)) Assert.Throws<UnsupportedTypeException>(() => Bytes(Careful, value));
        Assert.Throws<ArgumentNullException>(() => Bytes(Careful, null));
    }

    /// <summary>Gives one byte at a time, and cannot tell its length: a connection.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(1, count));
    }

    [Fact]
    public void Messages_follow_each_other_on_a_stream_that_gives_byte_by_byte_and_a_session_remembers_types_and_objects()
    {
        var node = new Node { Name = "first" };
        using var written = new MemoryStream();
        var writing = Careful.GetSerializerSession();
        Careful.Serialize(node, written, writing);
        var first = written.Length;
        Careful.Serialize(new[] { node, new Node { Name = "second" } }, written, writing);
        Assert.True(written.Length - first < 2 * first);
        using var stream = new Trickle(written.ToArray());
        var reading = Careful.GetDeserializerSession();
        var one = Careful.Deserialize<Node>(stream, reading);
        var two = Careful.Deserialize<Node[]>(stream, reading);
        Assert.Same(one, two[0]);
        Assert.Equal("second", two[1].Name);
    }

    [Fact]
    public void Threads_share_a_serializer()
    {
        for (var round = 0; round < 20; round++)
        {
            var serializer = new GraphSerializer(_careful);
            var values = Values.Concat(Collections).ToList();
            Parallel.For(0, 8, _ => Assert.All(values, value => Assert.Equal(value, Back(value, serializer))));
        }
    }
}
