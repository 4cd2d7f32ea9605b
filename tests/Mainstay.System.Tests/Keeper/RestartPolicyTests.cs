using Mainstay.Keeper;

namespace Mainstay.System.Tests.Keeper;

public class RestartPolicyTests
{
    [Fact]
    public void OnDeath_AgainAndAgain_WaitsLongerUpToTenSeconds()
    {
        var policy = new RestartPolicy();

        double[] delays = [.. Enumerable.Range(0, 60).Select(_ => policy.OnDeath(TimeSpan.Zero).TotalMilliseconds)];

        Assert.Equal([0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000], delays[..10]);
        Assert.All(delays[10..], delay => Assert.Equal(10000, delay));
    }

    [Fact]
    public void OnDeath_OfAWorkerThatHadSettled_StartsOver()
    {
        var policy = new RestartPolicy();
        policy.OnDeath(TimeSpan.Zero);
        policy.OnDeath(TimeSpan.Zero);

        Assert.Equal(TimeSpan.Zero, policy.OnDeath(RestartPolicy.Settled));
        Assert.Equal(TimeSpan.Zero, policy.OnDeath(TimeSpan.FromSeconds(1)));
        Assert.Equal(TimeSpan.FromMilliseconds(100), policy.OnDeath(TimeSpan.FromSeconds(1)));
    }
}
