namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>Drawing servers by weight, as the schedulers of two choices do. Weights are looked at once for a pick.</summary>
internal sealed class WeightedDraw(ServerSet servers)
{
    private readonly int[] _weights = new int[servers.Count];

    /// <summary>Weight of all servers with room together; 0 = none can be drawn.</summary>
    public ulong Total { get; private set; }

    public void Begin(in PickKey key)
    {
        ulong total = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            int weight = servers.WeightWithRoom(i, key);
            _weights[i] = weight;
            total += (ulong)weight;
        }

        Total = total;
    }

    /// <summary>The server that the point 0..<see cref="Total"/>-1 falls on.</summary>
    public int At(ulong point)
    {
        int i = 0;
        while (point >= (ulong)_weights[i]) point -= (ulong)_weights[i++];
        return i;
    }

    /// <summary>Takes a server out of the draws to come.</summary>
    public void Remove(int server)
    {
        Total -= (ulong)_weights[server];
        _weights[server] = 0;
    }
}
