namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `least-request`: least in flight / w; equals take turns, so that an idle pool does not send everything to its first server.
/// </summary>
internal sealed class LeastRequest : Scheduler
{
    // Where the next scan starts: behind the last pick.
    private int _next;

    public LeastRequest(ServerSet servers, int start)
        : base(servers) => _next = start;

    public override int Pick(in PickKey key)
    {
        int picked = LeastCost.Pick<InFlightFormula>(Servers, key, _next);
        if (picked >= 0) _next = picked + 1 == Servers.Count ? 0 : picked + 1;
        return picked;
    }

    internal override void Adopt(Scheduler previous)
    {
        int last = Servers.Locate(previous.Servers, ((LeastRequest)previous)._next - 1);
        _next = last + 1 >= Servers.Count ? 0 : last + 1;
    }
}
