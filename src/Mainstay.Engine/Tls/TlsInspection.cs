using System.Security.Cryptography.X509Certificates;
using Mainstay.Core.Config;
using Mainstay.Core.Tls;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Tls;

/// <summary>Something that an operator should know of a profile's files before clients do.</summary>
/// <param name="Place">Where the file is named.</param>
/// <param name="IsError">It cannot be used, or no client will accept it.</param>
public sealed record TlsFinding(string Place, string Message, bool IsError);

/// <summary>Looks at certificates and keys as they are on this machine, now.</summary>
public static class TlsInspection
{
    private static readonly TimeSpan s_soon = TimeSpan.FromDays(14);

    private const int WeakRsaBits = 2048, WeakCurveBits = 256;

    public static async Task<IReadOnlyList<TlsFinding>> InspectAsync(Snapshot snapshot, DateTime nowUtc)
    {
        var findings = new List<TlsFinding>();
        foreach (TlsSnapshot profile in snapshot.Tls)
        {
            var loader = new TlsProfileLoader(profile, http2: true, OwnFiles.Instance, new TlsTicketRing([]));
            LoadedProfile? loaded = await loader.LoadAsync().ConfigureAwait(false);
            findings.AddRange(loader.Errors.Select(error => Split(profile, error)));
            foreach (LoadedCertificate certificate in loaded?.Certificates ?? []) Inspect(profile, certificate, nowUtc, findings);
            if (loaded is not null) InspectNames(snapshot, profile, loaded.Context.Names, findings);
        }

        foreach (PoolSnapshot pool in snapshot.Pools.Where(pool => pool.Tls is not null))
        {
            var errors = new List<string>();
            await UpstreamTls.LoadAsync(pool, OwnFiles.Instance, errors).ConfigureAwait(false);
            findings.AddRange(errors.Select(error => new TlsFinding($"pools.{pool.Name}.tls", error, IsError: true)));
        }

        return findings;
    }

    /// <summary>Who checks may not be who runs it: a file that only root reads is no error.</summary>
    private static TlsFinding Split(TlsSnapshot profile, string error)
    {
        bool isDenied = error.Contains("(EACCES)", StringComparison.Ordinal) && !Environment.IsPrivilegedProcess;
        return new TlsFinding($"tls.{profile.Name}", isDenied ? $"{error}: not looked into; the keeper opens it when it runs as root" : error, !isDenied);
    }

    private static void Inspect(TlsSnapshot profile, LoadedCertificate certificate, DateTime now, List<TlsFinding> findings)
    {
        CertificateFacts facts = certificate.Facts;
        if (facts.NotAfter < now) Add($"has expired on {facts.NotAfter:yyyy-MM-dd HH:mm} UTC: every client refuses it", isError: true);
        else if (facts.NotAfter - now < s_soon) Add($"expires on {facts.NotAfter:yyyy-MM-dd HH:mm} UTC: renew it", isError: false);
        if (facts.NotBefore > now) Add($"is not valid before {facts.NotBefore:yyyy-MM-dd HH:mm} UTC: is this machine's clock right?", isError: true);
        bool isWeak = facts.KeyBits > 0 && facts.KeyBits < (facts.KeyKind == "RSA" ? WeakRsaBits : WeakCurveBits);
        if (isWeak) Add($"has a weak key ({facts.KeyKind}, {facts.KeyBits} bits; {(facts.KeyKind == "RSA" ? WeakRsaBits : WeakCurveBits)} or more)", isError: false);
        if (facts.Names.IsEmpty) Add("names no host: only clients that ask for no name get it", isError: false);
        if (ChainProblem(facts) is { } problem) Add(problem, isError: false);

        void Add(string message, bool isError)
        {
            FileReference file = certificate.Source.Certificate;
            SourcePosition at = file.Place();
            string place = at.Line > 0 ? $"{at.File}:{at.Line}:{at.Column}: tls.{profile.Name}" : $"tls.{profile.Name}";
            findings.Add(new TlsFinding(place, $"{file.Path}: {message}", isError));
        }
    }

    /// <summary>What clients build of the file: they know authorities, not intermediates.</summary>
    private static string? ChainProblem(CertificateFacts facts)
    {
        for (int i = 0; i + 1 < facts.Chain.Length; i++)
        {
            if (!facts.Chain[i].IssuerName.RawData.AsSpan().SequenceEqual(facts.Chain[i + 1].SubjectName.RawData))
                return $"certificate {i + 2} in it ({facts.Chain[i + 1].Subject}) did not issue the one before: the own first, then what issued it";
        }

        if (facts.IsSelfSigned) return "is self-signed: clients accept it only where it was installed";
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        foreach (X509Certificate2 each in facts.Chain) chain.ChainPolicy.ExtraStore.Add(each);
        _ = chain.Build(facts.Chain[0]);
        bool isPartial = chain.ChainStatus.Any(status => status.Status.HasFlag(X509ChainStatusFlags.PartialChain));
        if (isPartial && facts.Chain.Length == 1)
            return $"the intermediate certificate is missing ({facts.Chain[0].Issuer}): append it, or clients that do not know it refuse the connection";
        return isPartial ? $"leads to {facts.Chain[^1].Issuer}, which this machine does not know: do its clients?" : null;
    }

    /// <summary>Hosts that routes name, where no certificate does.</summary>
    private static void InspectNames(Snapshot snapshot, TlsSnapshot profile, ServerNameTable names, List<TlsFinding> findings)
    {
        foreach (HttpSnapshot service in snapshot.Http.Where(service => service.Listen.Any(listener => listener.Tls == profile.Name)))
        {
            IEnumerable<HostPattern> hosts = service.Routes.SelectMany(route => route.Match.Host).Where(host => !host.IsRegex).Distinct();
            foreach (HostPattern host in hosts.Where(host => names.Find(host.Wildcard ? $"any.{host.Suffix}" : host.Suffix) < 0))
            {
                string name = host.Wildcard ? $"*.{host.Suffix}" : host.Suffix;
                findings.Add(new TlsFinding($"tls.{profile.Name}", $"no certificate is for {name}, which http.{service.Name} has routes for", IsError: false));
            }
        }
    }
}
