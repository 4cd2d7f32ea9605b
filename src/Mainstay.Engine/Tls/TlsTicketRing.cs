using Mainstay.Linux;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Tls;

/// <summary>
/// A profile's ticket keys over time: a new one seals from each half lifetime on, and a key is forgotten when the last ticket that it
/// sealed has ended. Keys from a file are used as they stand there. Control side only; shards see <see cref="Keys"/>.
/// </summary>
internal sealed class TlsTicketRing
{
    /// <summary>A key seals for half a lifetime and opens for a whole one more.</summary>
    private const int KeysKept = 3;

    private TimeSpan _sinceRotation;

    /// <param name="keys">Of an earlier worker, newest first; empty = a new random one.</param>
    public TlsTicketRing(byte[] keys) => Keys = new TlsTicketKeys(keys.Length > 0 ? keys : Entropy.Bytes(TlsTicketKeys.KeyLength));

    public TlsTicketKeys Keys { get; }

    /// <summary>The keys come from a file: they do not rotate by themselves.</summary>
    public bool IsFromFile { get; private set; }

    public void UseFile(ReadOnlySpan<byte> keys)
    {
        IsFromFile = true;
        Keys.Replace(keys);
    }

    /// <summary>Random keys again, after a configuration that named a file.</summary>
    public void UseRandom()
    {
        if (!IsFromFile) return;
        IsFromFile = false;
        Keys.Replace(Entropy.Bytes(TlsTicketKeys.KeyLength));
    }

    /// <summary>Time has passed; true when a new key seals.</summary>
    public bool Advance(TimeSpan passed, TimeSpan lifetime)
    {
        _sinceRotation += passed;
        if (IsFromFile || lifetime == TimeSpan.Zero || _sinceRotation < lifetime / 2) return false;
        _sinceRotation = TimeSpan.Zero;
        byte[] keys = [.. Entropy.Bytes(TlsTicketKeys.KeyLength), .. Keys.Export()];
        Keys.Replace(keys.AsSpan(0, Math.Min(keys.Length, KeysKept * TlsTicketKeys.KeyLength)));
        return true;
    }
}
