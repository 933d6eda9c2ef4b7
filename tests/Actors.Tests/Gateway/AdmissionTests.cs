using TiKvActors.Actors.Gateway;

namespace TiKvActors.Actors.Tests.Gateway;

public sealed class AdmissionTests
{
    [Fact]
    public void NumberAndBytesAreBounded()
    {
        var admission = new Admission(3, 100);
        Assert.True(admission.TryEnter(60));
        Assert.False(admission.TryEnter(41));
        Assert.True(admission.TryEnter(40));
        Assert.True(admission.TryEnter());
        Assert.False(admission.TryEnter());
        admission.Leave(60);
        Assert.True(admission.TryEnter(60));
        Assert.Equal(3, admission.Inside);
    }

    [Fact]
    public void OneOfAnySizeIsLetInAlone()
    {
        var admission = new Admission(3, 100);
        Assert.True(admission.TryEnter(1_000));
        Assert.False(admission.TryEnter(1));
        admission.Leave(1_000);
        Assert.True(admission.TryEnter(100));
    }
}
