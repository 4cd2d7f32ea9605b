using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Tls;

/// <summary>One certificate of a profile as it is in force.</summary>
/// <param name="Source">Where it was read.</param>
public sealed record LoadedCertificate(CertificateSource Source, CertificateFacts Facts);

/// <summary>What one reading of a profile's files gave.</summary>
/// <param name="Http2">Every service behind it speaks HTTP/2.</param>
/// <param name="TicketKeys">Null: random ones.</param>
internal sealed record LoadedProfile(
    TlsSnapshot Snapshot, bool Http2, TlsServerContext Context, ImmutableArray<LoadedCertificate> Certificates, WatchedFiles Files, byte[]? TicketKeys);

/// <summary>
/// A TLS profile by its name, over all configurations: what is in force changes by one write, when the configuration or its files do.
/// </summary>
public sealed class TlsProfile
{
    private volatile LoadedProfile _loaded;

    internal TlsProfile(LoadedProfile loaded, TlsTicketRing tickets) => (_loaded, Tickets) = (loaded, tickets);

    public string Name => _loaded.Snapshot.Name;
    public TlsSnapshot Snapshot => _loaded.Snapshot;

    /// <summary>For connections that begin now. Any thread.</summary>
    public TlsServerContext Context => _loaded.Context;

    public ImmutableArray<LoadedCertificate> Certificates => _loaded.Certificates;

    /// <summary>Readings of the files that could not be used since the last good one; the reason of the last.</summary>
    public string? Problem { get; internal set; }

    internal TlsTicketRing Tickets { get; }
    internal LoadedProfile Loaded => _loaded;

    internal void Use(LoadedProfile loaded)
    {
        if (loaded.TicketKeys is null) Tickets.UseRandom();
        else Tickets.UseFile(loaded.TicketKeys);
        _loaded = loaded;
        Problem = null;
    }
}
