using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>Bytes that are here before their time: a part of a head, or what was sent behind the request under way.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>Keeps bytes that follow the request under way: the beginning of the next one.</summary>
    public void KeepAhead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        DropStash();
        _stashIsNew = true;
        if (_consumed is { } consumed && consumed.Capacity <= bytes.Length * 4 && IsEndOf(consumed, bytes))
        {
            // The same place in the same block: many small requests in one segment are not copied again for each of them.
            consumed.Start = consumed.End - bytes.Length;
            _stash = consumed;
            _consumed = null;
            return;
        }

        _stash = Blocks.Rent(bytes.Length);
        _stash.Append(bytes);
    }

    /// <summary>The client switched protocols: what it sent ahead goes to the server. False when that failed.</summary>
    public bool TryPassAhead(IServerStream server)
    {
        if (_stash is null) return true;
        bool passed = server.Send(_stash.Filled, headLength: 0, isEnd: false) != SendResult.Failed;
        DropStash();
        return passed;
    }

    /// <summary>Never more in all than without a stash, so that what an exchange keeps of it fits into a block.</summary>
    private static Span<byte> StashRoom(Block stash)
    {
        int most = HttpShard.ReceiveSize - stash.Count;
        return stash.Room.Length <= most ? stash.Room : stash.Room[..most];
    }

    private void KeepAhead(ReadOnlySpan<byte> bytes, int atLeast)
    {
        Block larger = Blocks.Rent(Math.Min(atLeast, BlockPool.LargestBlock));
        larger.Append(bytes);
        DropStash();
        _stash = larger;
    }

    private void KeepPart(ReadOnlySpan<byte> bytes)
    {
        if (_stash is null)
        {
            _stash = Blocks.Rent(bytes.Length + 512);
            _stash.Append(bytes);
        }

        if (_headHasBegun) return;
        _headHasBegun = true;
        Loop.Arm(this, Loop.Now + Service.Snapshot.Timeouts.Head);
    }

    private static bool IsEndOf(Block block, ReadOnlySpan<byte> bytes) =>
        bytes.Length <= block.Count && (ReadOnlySpan<byte>)block.Filled[^bytes.Length..] == bytes;

    private void DropStash()
    {
        if (_stash is null) return;
        Blocks.Return(_stash);
        _stash = null;
        _stashIsNew = false;
    }
}
