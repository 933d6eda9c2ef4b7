using Akka.Actor;

namespace TiKvActors.StandIns.Tests.Actors;

public sealed class PathTests
{
    private static readonly ActorPath _path = ActorPath.Parse("akka.tcp://system@host:1/user/a/b/c#5");

    [Theory]
    [InlineData(0, "/")]
    [InlineData(1, "/user")]
    [InlineData(3, "/user/a/b")]
    [InlineData(9, "/user/a/b/c")]
    [InlineData(-1, "/user/a/b")]
    [InlineData(-9, "/")]
    public void An_ancestor_is_named_by_its_depth_or_by_steps(int depth, string ancestor) =>
        Assert.Equal(ancestor, _path.ParentOf(depth).ToStringWithoutAddress());

    [Fact]
    public void A_path_survives_its_text()
    {
        Assert.Equal(_path, ActorPath.Parse(_path.ToSerializationFormat()));
        Assert.Equal(5, ActorPath.Parse(_path.ToSerializationFormat()).Uid);
        Assert.Equal("akka.tcp://system@host:1/user/a/b/c#5", _path.ToSerializationFormatWithAddress(
            new Address("akka.tcp", "other", "elsewhere", 2)));
    }

    [Theory]
    [InlineData("akka://system/user/a#x")]
    [InlineData("akka.tcp://system@host:port/user")]
    [InlineData("akka.tcp://system@:1/user")]
    [InlineData("akka.tcp://system@host:70000/user")]
    [InlineData("akka://")]
    [InlineData("")]
    public void Texts_that_are_no_paths_are_refused(string text)
    {
        Assert.False(ActorPath.TryParse(text, out _));
        Assert.Throws<UriFormatException>(() => ActorPath.Parse(text));
    }

    [Fact]
    public void Anonymous_names_never_repeat()
    {
        var names = Enumerable.Range(0, 100_000).Select(n => TemporaryNames.Encode(n)).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.Equal(["$a", "$b", "$~", "$ab", "$bb"], new[] { 0L, 1, 63, 64, 65 }.Select(TemporaryNames.Encode));
    }
}
