using System.Text;

namespace Mainstay.Linux.Tls;

/// <summary>Makes native contexts of a server's options: one for each identity, alike but for their certificates.</summary>
internal sealed unsafe class TlsServerContextBuilder(TlsServerOptions options)
{
    /// <param name="certificates">Gets the native certificates with the numbers of their pairs.</param>
    /// <returns>0 with what is wrong.</returns>
    public nint TryBuild(TlsIdentity identity, Dictionary<nint, int> certificates, out TlsProblem? problem)
    {
        nint context = LibSsl.ContextNew(LibSsl.ServerMethod());
        if (context == 0)
        {
            problem = new TlsProblem(TlsPart.Library, -1, "OpenSSL cannot make a server context");
            return 0;
        }

        problem = SetRules(context) ?? AddPairs(context, identity, certificates) ?? SetClients(context);
        if (problem is null) return context;
        LibSsl.ContextFree(context);
        LibSsl.ClearErrors();
        return 0;
    }

    private TlsProblem? SetRules(nint context)
    {
        ulong flags = LibSsl.OptionNoCompression | LibSsl.OptionNoRenegotiation | (options.Tickets is null ? LibSsl.OptionNoTicket : 0);
        _ = LibSsl.ContextSetOptions(context, flags);
        _ = LibSsl.ContextControl(context, LibSsl.ControlMode, (nint)(LibSsl.ModeReleaseBuffers | LibSsl.ModeNoAutoChain), null);
        _ = LibSsl.ContextControl(context, LibSsl.ControlReadAhead, 1, null);
        _ = LibSsl.ContextControl(context, LibSsl.ControlSessionCache, LibSsl.SessionCacheOff, null);
        _ = LibSsl.ContextSetTimeout(context, (nint)options.TicketLifetime.TotalSeconds);
        if (options.Tickets is null) _ = LibSsl.ContextSetTicketCount(context, 0);
        _ = LibSsl.ContextControl(context, LibSsl.ControlMinVersion, (nint)options.MinVersion, null);
        _ = LibSsl.ContextControl(context, LibSsl.ControlMaxVersion, (nint)options.MaxVersion, null);
        fixed (byte* scope = options.SessionScope.Span) _ = LibSsl.ContextSetSessionScope(context, scope, (uint)options.SessionScope.Length);
        bool ciphers = WithText(options.Ciphers, text => LibSsl.ContextSetCiphers(context, (byte*)text) == 1)
            && WithText(options.CipherSuites, text => LibSsl.ContextSetSuites(context, (byte*)text) == 1);
        if (!ciphers) return new TlsProblem(TlsPart.Ciphers, -1, TakeReason());
        return WithText(options.Groups, text => LibSsl.ContextControl(context, LibSsl.ControlGroups, 0, (void*)text) == 1)
            ? null
            : new TlsProblem(TlsPart.Groups, -1, TakeReason());
    }

    private TlsProblem? AddPairs(nint context, TlsIdentity identity, Dictionary<nint, int> certificates)
    {
        foreach (int pair in identity.Pairs)
        {
            if (AddPair(context, pair, certificates) is { } problem) return problem;
        }

        return null;
    }

    private TlsProblem? AddPair(nint context, int pair, Dictionary<nint, int> certificates)
    {
        LibSsl.ClearErrors();
        List<nint> chain = PemObjects.Certificates(options.Pairs[pair].Chain.Span, out string? broken);
        try
        {
            if (broken is not null || chain.Count == 0) return new TlsProblem(TlsPart.Certificate, pair, broken ?? "there is no certificate in it");
            if (LibSsl.ContextUseCertificate(context, chain[0]) != 1) return new TlsProblem(TlsPart.Certificate, pair, TakeReason());
            certificates[chain[0]] = pair;
            nint key = PemObjects.Key(options.Pairs[pair].Key.Span, out string reason);
            if (key == 0) return new TlsProblem(TlsPart.Key, pair, reason);
            bool fits = LibSsl.ContextUseKey(context, key) == 1 && LibSsl.ContextCheckKey(context) == 1;
            LibSsl.KeyFree(key);
            if (!fits) return new TlsProblem(TlsPart.KeyMatch, pair, TakeReason());
            for (int i = 1; i < chain.Count; i++)
            {
                const int AddReference = 1;
                if (LibSsl.ContextControl(context, LibSsl.ControlChainCertificate, AddReference, (void*)chain[i]) != 1)
                    return new TlsProblem(TlsPart.Certificate, pair, TakeReason());
            }

            return null;
        }
        finally
        {
            foreach (nint certificate in chain) LibSsl.CertificateFree(certificate);
        }
    }

    private TlsProblem? SetClients(nint context)
    {
        if (options.ClientVerification == TlsClientVerification.None) return null;
        bool isRequired = options.ClientVerification == TlsClientVerification.Required;
        LibSsl.ContextSetVerify(context, LibSsl.VerifyPeer | (isRequired ? LibSsl.VerifyFailIfNone : 0), 0);
        List<nint> authorities = PemObjects.Certificates(options.ClientAuthorities.Span, out string? broken);
        foreach (nint authority in authorities)
        {
            _ = LibSsl.StoreAdd(LibSsl.ContextStore(context), authority);
            _ = LibSsl.ContextAddClientAuthority(context, authority);
            LibSsl.CertificateFree(authority);
        }

        if (broken is not null || authorities.Count == 0)
            return new TlsProblem(TlsPart.ClientAuthorities, -1, broken ?? "there is no certificate in it");
        return options.ClientRevocations.IsEmpty ? null : AddRevocations(context);
    }

    private TlsProblem? AddRevocations(nint context)
    {
        List<nint> lists = PemObjects.Revocations(options.ClientRevocations.Span, out string? broken);
        foreach (nint list in lists)
        {
            _ = LibSsl.StoreAddRevocations(LibSsl.ContextStore(context), list);
            LibSsl.RevocationsFree(list);
        }

        if (broken is not null || lists.Count == 0)
            return new TlsProblem(TlsPart.ClientRevocations, -1, broken ?? "there is no revocation list in it");
        _ = LibSsl.StoreSetFlags(LibSsl.ContextStore(context), LibSsl.FlagRevocationCheck);
        return null;
    }

    private static string TakeReason()
    {
        string reason = LibSsl.ReasonOf(LibSsl.TakeError());
        LibSsl.ClearErrors();
        return reason;
    }

    private static bool WithText(string text, Func<nint, bool> action)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text + "\0");
        fixed (byte* start = bytes) return action((nint)start);
    }
}
