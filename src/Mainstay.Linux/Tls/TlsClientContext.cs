using System.Collections.Immutable;
using System.Text;

namespace Mainstay.Linux.Tls;

/// <summary>How servers are spoken to by TLS.</summary>
public sealed record TlsClientOptions
{
    /// <summary>Chain and name have to be right.</summary>
    public required bool Verify { get; init; }

    /// <summary>Trusted, PEM; empty = the machine's certificate store.</summary>
    public ReadOnlyMemory<byte> Authorities { get; init; }

    /// <summary>Shown to servers that ask; null = none.</summary>
    public TlsKeyPair? Certificate { get; init; }

    /// <summary>ALPN, in order of preference.</summary>
    public ImmutableArray<string> Protocols { get; init; } = [];
}

/// <summary>What TLS connections to servers have in common. Thread-safe once made.</summary>
public sealed unsafe class TlsClientContext : IDisposable
{
    private nint _context;

    private TlsClientContext(nint context, TlsClientOptions options) => (_context, Verifies) = (context, options.Verify);

    ~TlsClientContext() => Free();

    /// <summary>Null when TLS can be used on this machine; else what is missing and how to get it.</summary>
    public static string? Missing => LibSsl.Missing;

    public bool Verifies { get; }

    internal nint Handle => _context;

    /// <summary>Null with the reason when OpenSSL is missing or cannot.</summary>
    /// <param name="verify">Chain (the machine's certificate store) and name have to be right.</param>
    public static TlsClientContext? TryCreate(bool verify, out string problem)
    {
        TlsClientContext? made = TryCreate(new TlsClientOptions { Verify = verify }, out TlsProblem? found);
        problem = found?.Reason ?? "";

        // A peer of a check that closes without close_notify ends its stream; whether the message was whole is HTTP's to say.
        if (made is not null) _ = LibSsl.ContextSetOptions(made._context, LibSsl.OptionIgnoreUnexpectedEof);
        return made;
    }

    /// <summary>Null with what is wrong.</summary>
    public static TlsClientContext? TryCreate(TlsClientOptions options, out TlsProblem? problem)
    {
        problem = LibSsl.Missing is { } missing ? new TlsProblem(TlsPart.Library, -1, missing) : null;
        if (problem is not null) return null;
        nint context = LibSsl.ContextNew(LibSsl.ClientMethod());
        if (context == 0)
        {
            problem = new TlsProblem(TlsPart.Library, -1, "OpenSSL cannot make a client context");
            return null;
        }

        _ = LibSsl.ContextControl(context, LibSsl.ControlMode, (nint)LibSsl.ModeReleaseBuffers, null);
        _ = LibSsl.ContextControl(context, LibSsl.ControlReadAhead, 1, null);
        LibSsl.ContextSetVerify(context, options.Verify ? LibSsl.VerifyPeer : LibSsl.VerifyNone, 0);
        SetProtocols(context, options.Protocols);
        problem = SetTrust(context, options) ?? SetCertificate(context, options.Certificate);
        if (problem is null) return new TlsClientContext(context, options);
        LibSsl.ContextFree(context);
        return null;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void SetProtocols(nint context, ImmutableArray<string> protocols)
    {
        if (protocols.IsEmpty) return;
        byte[] list = [.. protocols.SelectMany(name => Encoding.ASCII.GetBytes(name).Prepend((byte)name.Length))];
        fixed (byte* start = list) _ = LibSsl.ContextSetProtocols(context, start, (uint)list.Length);
    }

    private static TlsProblem? SetTrust(nint context, TlsClientOptions options)
    {
        if (!options.Verify) return null;
        if (options.Authorities.IsEmpty)
        {
            _ = LibSsl.ContextSetDefaultVerifyPaths(context);
            return null;
        }

        List<nint> authorities = PemObjects.Certificates(options.Authorities.Span, out string? broken);
        foreach (nint authority in authorities)
        {
            _ = LibSsl.StoreAdd(LibSsl.ContextStore(context), authority);
            LibSsl.CertificateFree(authority);
        }

        return broken is not null || authorities.Count == 0
            ? new TlsProblem(TlsPart.ClientAuthorities, -1, broken ?? "there is no certificate in it")
            : null;
    }

    private static TlsProblem? SetCertificate(nint context, TlsKeyPair? pair)
    {
        if (pair is null) return null;
        List<nint> chain = PemObjects.Certificates(pair.Chain.Span, out string? broken);
        nint key = PemObjects.Key(pair.Key.Span, out string reason);
        TlsProblem? problem = null;
        if (broken is not null || chain.Count == 0) problem = new TlsProblem(TlsPart.Certificate, 0, broken ?? "there is no certificate in it");
        else if (key == 0) problem = new TlsProblem(TlsPart.Key, 0, reason);
        else if (LibSsl.ContextUseCertificate(context, chain[0]) != 1 || LibSsl.ContextUseKey(context, key) != 1)
            problem = new TlsProblem(TlsPart.KeyMatch, 0, LibSsl.ReasonOf(LibSsl.TakeError()));
        const int AddReference = 1;
        foreach (nint certificate in chain.Skip(1)) _ = LibSsl.ContextControl(context, LibSsl.ControlChainCertificate, AddReference, (void*)certificate);
        foreach (nint certificate in chain) LibSsl.CertificateFree(certificate);
        if (key != 0) LibSsl.KeyFree(key);
        LibSsl.ClearErrors();
        return problem;
    }

    private void Free()
    {
        if (_context == 0) return;
        LibSsl.ContextFree(_context);
        _context = 0;
    }
}
