using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Tls;

/// <summary>How one server is spoken to by TLS. The same object as long as nothing about it changes: connections know theirs by it.</summary>
public sealed record ServerTls(TlsClientContext Context, TlsServerName Name)
{
    public bool Equals(ServerTls? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}

/// <summary>How the servers of one pool are spoken to by TLS.</summary>
public sealed class UpstreamTls
{
    private readonly PoolSnapshot _pool;
    private readonly WatchedFiles _files;

    private UpstreamTls(PoolSnapshot pool, WatchedFiles files, ImmutableArray<ServerTls> servers) => (_pool, _files, Servers) = (pool, files, servers);

    /// <summary>By the server's index in the pool.</summary>
    public ImmutableArray<ServerTls> Servers { get; }

    /// <summary>Null with what is wrong with its files.</summary>
    public static async Task<UpstreamTls?> LoadAsync(PoolSnapshot pool, IFileSource source, List<string> errors)
    {
        UpstreamTlsSnapshot tls = pool.Tls!;
        var files = new WatchedFiles(source);
        int before = errors.Count;
        byte[] authorities = await ReadAsync(tls.Authorities).ConfigureAwait(false), chain = await ReadAsync(tls.Certificate).ConfigureAwait(false);
        byte[] key = tls.Key is null ? chain : await ReadAsync(tls.Key).ConfigureAwait(false);
        if (errors.Count > before) return null;
        var options = new TlsClientOptions
        {
            Verify = tls.Verify,
            Authorities = authorities,
            Certificate = tls.Certificate is null ? null : new TlsKeyPair(chain, key),
            Protocols = [pool.Upstream.Protocol == UpstreamProtocol.Http2 ? "h2" : "http/1.1"],
        };
        if (TlsClientContext.TryCreate(options, out TlsProblem? problem) is { } context)
            return new UpstreamTls(pool, files, [.. pool.Servers.Select(server => new ServerTls(context, NameOf(server.Address, tls.Sni)))]);
        FileReference? blamed = problem!.Part switch
        {
            TlsPart.ClientAuthorities => tls.Authorities,
            TlsPart.Certificate => tls.Certificate,
            TlsPart.Key or TlsPart.KeyMatch => tls.Key ?? tls.Certificate,
            _ => null,
        };
        errors.Add(Blame(pool, blamed, problem.Part == TlsPart.KeyMatch ? $"is not the key of the certificate in {tls.Certificate} ({problem.Reason})" : problem.Reason));
        return null;

        async Task<byte[]> ReadAsync(FileReference? file)
        {
            if (file is null) return [];
            (byte[]? content, string error) = await files.ReadAsync(file.Path).ConfigureAwait(false);
            if (content is null or { Length: 0 }) errors.Add(Blame(pool, file, content is null ? error : "it is empty"));
            return content ?? [];
        }
    }

    /// <summary>Still right for this pool: connections and sessions can be kept.</summary>
    public async Task<bool> SuitsAsync(PoolSnapshot pool) => pool.Tls == _pool.Tls
        && pool.Servers.Select(server => server.Address).SequenceEqual(_pool.Servers.Select(server => server.Address))
        && !await _files.HaveChangedAsync().ConfigureAwait(false);

    private static TlsServerName NameOf(Endpoint address, string sni)
    {
        string expected = sni.Length > 0 ? sni : address.HostName ?? (address.IsUnix ? "localhost" : address.Address.ToString());
        return new TlsServerName(expected, expected);
    }

    private static string Blame(PoolSnapshot pool, FileReference? file, string problem)
    {
        SourcePosition at = file?.Place() ?? default;
        string place = at.Line > 0 ? $"{at.File}:{at.Line}:{at.Column}: " : "";
        return $"{place}pools.{pool.Name}.tls: {(file is null ? "" : $"{file.Path}: ")}{problem}";
    }
}
