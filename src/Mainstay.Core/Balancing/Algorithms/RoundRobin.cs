namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>`rr`: the next eligible server after the last pick; weights do not count, but 0 means none.</summary>
internal sealed class RoundRobin : Scheduler
{
    // The last pick; -1 = before the first server.
    private int _last;

    public RoundRobin(ServerSet servers, int start)
        : base(servers) => _last = start - 1;

    public override int Pick(in PickKey key)
    {
        int count = Servers.Count;
        int i = _last;
        for (int n = 0; n < count; n++)
        {
            i = i + 1 == count ? 0 : i + 1;
            if (Servers.WeightWithRoom(i, key) > 0) return _last = i;
        }

        return None;
    }

    internal override void Adopt(Scheduler previous) => _last = Servers.Locate(previous.Servers, ((RoundRobin)previous)._last);
}
