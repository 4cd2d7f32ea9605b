namespace Mainstay.Engine.Http;

/// <summary>
/// The bound of the memory in messages under way. Connections that are open already can ask for more of it than there is, slowly, all
/// together: then those that hold most of it have to go, with 503 where their response has not begun.
/// </summary>
internal sealed partial class HttpShard
{
    /// <summary>
    /// Called where a connection's event ends, when no other is in the middle of something: memory is over the limit by what one event
    /// can take at most.
    /// </summary>
    public void KeepWithinMemory()
    {
        if (IsShortOfMemory) Shed();
    }

    /// <summary>Down to 7/8 of the limit, so that the list is not gone through for every event under pressure.</summary>
    private void Shed()
    {
        long goal = _blockBytes / 8 * 7;
        while (Blocks.BytesRented > goal)
        {
            int most = 0;
            for (ClientConnection? client = _clients; client is not null; client = client.NextInShard) most = Math.Max(most, client.HeldBytes);
            if (most == 0) return;
            for (ClientConnection? client = _clients, next; client is not null && Blocks.BytesRented > goal; client = next)
            {
                next = client.NextInShard;
                if (client.HeldBytes <= most / 2) continue;
                client.Shed();
                Counters.Shed++;
            }
        }
    }
}
