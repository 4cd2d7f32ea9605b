using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Tls;

/// <summary>From a profile as configured to one that can be used, or to everything that is wrong with its files.</summary>
internal sealed class TlsProfileLoader(TlsSnapshot snapshot, bool http2, IFileSource source, TlsTicketRing tickets)
{
    private const int MostTicketKeys = 8;

    private readonly List<string> _errors = [];
    private readonly WatchedFiles _files = new(source);
    private readonly List<LoadedCertificate> _certificates = [];
    private readonly List<TlsKeyPair> _pairs = [];

    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Null with <see cref="Errors"/>.</summary>
    public async Task<LoadedProfile?> LoadAsync()
    {
        foreach (CertificateSource each in snapshot.Certificates) await AddAsync(each).ConfigureAwait(false);
        if (snapshot.Directory is { } directory)
        {
            foreach (CertificateSource each in Find(directory)) await AddAsync(each).ConfigureAwait(false);
            if (_pairs.Count == 0 && _errors.Count == 0) Blame(directory, "there is no certificate in it (*.pem or *.crt)");
        }

        byte[] authorities = [], revocations = [];
        if (snapshot.Client is { } client)
        {
            authorities = await ReadAsync(client.Authorities).ConfigureAwait(false);
            if (client.Revocations is { } file) revocations = await ReadAsync(file).ConfigureAwait(false);
        }

        byte[]? ticketKeys = snapshot.Tickets.Keys is { } keys ? await ReadTicketKeysAsync(keys).ConfigureAwait(false) : null;
        if (_errors.Count > 0) return null;
        TlsServerContext? context = TlsServerContext.TryCreate(Options(authorities, revocations), out TlsProblem? problem);
        if (context is null)
        {
            Blame(problem!);
            return null;
        }

        await StapleAsync(context).ConfigureAwait(false);
        if (_errors.Count > 0) return null;
        return new LoadedProfile(snapshot, http2, context, [.. _certificates], _files, ticketKeys);
    }

    private async Task AddAsync(CertificateSource pair)
    {
        byte[] chain = await ReadAsync(pair.Certificate).ConfigureAwait(false);
        byte[] key = pair.Key is null ? chain : await ReadAsync(pair.Key).ConfigureAwait(false);
        if (chain.Length == 0 || key.Length == 0) return;
        if (CertificateFacts.TryRead(chain, out string problem) is not { } facts)
        {
            Blame(pair.Certificate, problem);
            return;
        }

        _certificates.Add(new LoadedCertificate(pair, facts));
        _pairs.Add(new TlsKeyPair(chain, key));
    }

    /// <summary>Read anew each time: files come and go.</summary>
    private IEnumerable<CertificateSource> Find(FileReference directory)
    {
        string[] files = [];
        try
        {
            files = [.. Directory.EnumerateFiles(directory.Path).Where(file => Path.GetExtension(file) is ".pem" or ".crt").Order(StringComparer.Ordinal)];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Blame(directory, $"cannot be listed: {(problem is UnauthorizedAccessException ? "permission denied; it has to be readable by the worker's user" : problem.Message)}");
        }

        foreach (string file in files)
        {
            string key = Path.ChangeExtension(file, ".key");
            bool apart = File.Exists(key);
            yield return new CertificateSource(new FileReference(file, directory.Place()), apart ? new FileReference(key, directory.Place()) : null);
        }
    }

    private async Task<byte[]> ReadAsync(FileReference file)
    {
        (byte[]? content, string error) = await _files.ReadAsync(file.Path).ConfigureAwait(false);
        if (content is { Length: 0 }) error = "it is empty";
        if (content is null or { Length: 0 }) Blame(file, error);
        return content ?? [];
    }

    private async Task<byte[]?> ReadTicketKeysAsync(FileReference file)
    {
        byte[] keys = await ReadAsync(file).ConfigureAwait(false);
        bool valid = keys.Length > 0 && keys.Length % TlsTicketKeys.KeyLength == 0 && keys.Length <= MostTicketKeys * TlsTicketKeys.KeyLength;
        if (keys.Length > 0 && !valid)
            Blame(file, $"has {keys.Length} bytes; keys have {TlsTicketKeys.KeyLength} each, at most {MostTicketKeys} (openssl rand -out {file.Path} {TlsTicketKeys.KeyLength})");
        return valid ? keys : null;
    }

    private async Task StapleAsync(TlsServerContext context)
    {
        for (int pair = 0; pair < _certificates.Count; pair++)
        {
            if (_certificates[pair].Source.Ocsp is not { } file) continue;
            byte[] response = await ReadAsync(file).ConfigureAwait(false);
            if (response.Length > 0) context.Staple(pair, response);
        }
    }

    private TlsServerOptions Options(byte[] authorities, byte[] revocations) => new()
    {
        Pairs = [.. _pairs],
        Identities = Identities(),
        MinVersion = Version(snapshot.MinVersionInForce),
        MaxVersion = Version(snapshot.MaxVersionInForce),
        Ciphers = snapshot.CiphersInForce,
        CipherSuites = snapshot.CipherSuitesInForce,
        Groups = TlsSnapshot.Groups,
        Protocols = TlsProtocols.Offered(http2),
        Strict = snapshot.Strict,
        Tickets = snapshot.Tickets.Lifetime > TimeSpan.Zero ? tickets.Keys : null,
        TicketLifetime = snapshot.Tickets.Lifetime,
        SessionScope = Scope(authorities),
        ClientVerification = snapshot.Client is null ? TlsClientVerification.None
            : snapshot.Client.IsRequired ? TlsClientVerification.Required : TlsClientVerification.Optional,
        ClientAuthorities = authorities,
        ClientRevocations = revocations,
    };

    /// <summary>
    /// A session belongs to its profile and, where clients show certificates, to the authorities that vouched for them: a ticket must not
    /// carry a client past a check that it has not passed.
    /// </summary>
    private byte[] Scope(byte[] authorities) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(snapshot.Name), 0, (byte)(snapshot.Client is null ? 0 : snapshot.Client.IsRequired ? 2 : 1), .. authorities]);

    /// <summary>For every name one pair of each kind of key, the first that has it; names with the same pairs are one identity.</summary>
    private ImmutableArray<TlsIdentity> Identities()
    {
        var byName = new Dictionary<string, SortedDictionary<string, int>>(StringComparer.Ordinal);
        for (int pair = 0; pair < _certificates.Count; pair++)
        {
            foreach (string name in _certificates[pair].Facts.Names)
            {
                if (!byName.TryGetValue(name, out SortedDictionary<string, int>? kinds)) byName[name] = kinds = new(StringComparer.Ordinal);
                kinds.TryAdd(_certificates[pair].Facts.KeyKind, pair);
            }
        }

        List<TlsIdentity> identities =
        [
            .. byName.GroupBy(name => string.Join(',', name.Value.Values), name => name)
                .Select(group => new TlsIdentity([.. group.Select(name => name.Key)], [.. group.First().Value.Values])),
        ];
        int chosen = Default(identities);
        if (chosen < 0) return [new TlsIdentity([], [0]), .. identities];
        return [identities[chosen], .. identities.Where((_, i) => i != chosen)];
    }

    /// <summary>The identity of the configured name, or of the first certificate; -1 when that one has no name.</summary>
    private int Default(List<TlsIdentity> identities)
    {
        if (snapshot.DefaultName.Length > 0)
        {
            var table = new Core.Tls.ServerNameTable(identities.SelectMany((identity, number) => identity.Names.Select(name => (name, number))));
            int named = table.Find(snapshot.DefaultName);
            if (named >= 0) return named;
        }

        return identities.FindIndex(identity => identity.Pairs.Contains(0));
    }

    private static TlsVersion Version(TlsVersionBound bound) => bound == TlsVersionBound.Tls13 ? TlsVersion.Tls13 : TlsVersion.Tls12;

    private void Blame(TlsProblem problem)
    {
        CertificateSource? pair = problem.Pair >= 0 ? _certificates[problem.Pair].Source : null;
        switch (problem.Part)
        {
            case TlsPart.Certificate when pair is not null:
                Blame(pair.Certificate, problem.Reason);
                break;
            case TlsPart.Key when pair is not null:
                Blame(pair.Key ?? pair.Certificate, problem.Reason);
                break;
            case TlsPart.KeyMatch when pair is not null:
                Blame(pair.Key ?? pair.Certificate, $"is not the key of the certificate in {pair.Certificate}, or not of a kind that the profile allows ({problem.Reason})");
                break;
            case TlsPart.ClientAuthorities:
                Blame(snapshot.Client!.Authorities, problem.Reason);
                break;
            case TlsPart.ClientRevocations:
                Blame(snapshot.Client!.Revocations!, problem.Reason);
                break;
            default:
                _errors.Add($"tls.{snapshot.Name}: {problem.Part.ToString().ToLowerInvariant()}: {problem.Reason}");
                break;
        }
    }

    private void Blame(FileReference file, string problem)
    {
        SourcePosition at = file.Place();
        string place = at.Line > 0 ? $"{at.File}:{at.Line}:{at.Column}: " : "";
        _errors.Add($"{place}tls.{snapshot.Name}: {file.Path}: {problem}");
    }
}

/// <summary>What a listener speaks behind TLS.</summary>
internal static class TlsProtocols
{
    /// <summary>Offered by ALPN, in order of preference. What a client then speaks shows in its first bytes.</summary>
    public static ImmutableArray<string> Offered(bool http2) => http2 ? ["h2", "http/1.1"] : ["http/1.1"];
}
