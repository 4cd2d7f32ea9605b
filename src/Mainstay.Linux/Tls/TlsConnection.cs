using System.Runtime.InteropServices;
using Mainstay.Core.Tls;

namespace Mainstay.Linux.Tls;

/// <summary>
/// TLS over one connected, non-blocking descriptor, which it does not own. Receives from the socket itself; what is to be sent is left in
/// the thread's <see cref="TlsTransport"/>, for the caller to send after every call here. The object is used again for connection
/// after connection; the native state lives from <see cref="Accept"/> or <see cref="Connect"/> to <see cref="Release"/>.
/// </summary>
public sealed unsafe partial class TlsConnection
{
    private nint _ssl;
    private TlsTransport _transport = null!;

    /// <summary>Its callbacks may be called as long as the native state lives.</summary>
    private object? _context;
    private int _descriptor;
    private bool _isDrained;
    private bool _isBroken;
    private bool _endIsSent;

    /// <summary>The stream has ended or failed for good: what <see cref="Receive"/> goes on answering; positive while it has not.</summary>
    private int _end = 1;

    /// <summary>There is native state.</summary>
    public bool IsOpen => _ssl != 0;

    /// <summary>The handshake is over, and with success.</summary>
    public bool IsShaken { get; private set; }

    /// <summary>Why the handshake failed.</summary>
    public TlsFailure Failure { get; private set; }

    /// <summary>The same in OpenSSL's words.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Sealed bytes to be sent now are there.</summary>
    public TlsTransport Transport => _transport;

    /// <summary>A receive may give something without an event.</summary>
    public bool HasMore => _end <= 0 || !_isDrained || LibSsl.HasPending(_ssl) != 0;

    /// <summary>The handshake took up an earlier session.</summary>
    public bool IsResumed => LibSsl.IsResumed(_ssl) != 0;

    /// <summary>As OpenSSL names it: TLSv1.3. Static memory.</summary>
    public ReadOnlySpan<byte> Version => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(LibSsl.VersionText(_ssl));

    /// <summary>As OpenSSL names it: TLS_AES_128_GCM_SHA256. Static memory; empty before the handshake.</summary>
    public ReadOnlySpan<byte> Cipher =>
        LibSsl.CurrentCipher(_ssl) is not 0 and var cipher ? MemoryMarshal.CreateReadOnlySpanFromNullTerminated(LibSsl.CipherName(cipher)) : default;

    /// <summary>The name that the client asked for; empty for none.</summary>
    public ReadOnlySpan<byte> ServerName =>
        LibSsl.ServerName(_ssl, LibSsl.ServerNameHost) is var name && name != null ? MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name) : default;

    /// <summary>What ALPN settled on; empty for nothing.</summary>
    public ReadOnlySpan<byte> Protocol
    {
        get
        {
            byte* name;
            uint length;
            LibSsl.SelectedProtocol(_ssl, &name, &length);
            return new ReadOnlySpan<byte>(name, (int)length);
        }
    }

    /// <summary>The verified peer's certificate; null when it showed none. Allocates.</summary>
    public TlsPeerCertificate? PeerCertificate()
    {
        nint certificate = LibSsl.PeerCertificate(_ssl);
        if (certificate == 0) return null;
        var facts = TlsPeerCertificate.Of(certificate);
        LibSsl.CertificateFree(certificate);
        return facts;
    }

    /// <summary>Begins with a client's connection.</summary>
    public void Accept(TlsTransport transport, TlsServerContext context, int descriptor)
    {
        Begin(transport, context, context.Handle, descriptor);
        LibSsl.SetAcceptState(_ssl);
    }

    /// <summary>The socket may have something: after an event that says so.</summary>
    public void OnReadable() => _isDrained = false;

    /// <summary>Goes on with the handshake. Done, WantRead, or Failed with <see cref="Failure"/>; Closed when the peer went.</summary>
    public TlsProgress Handshake(bool peerEnded)
    {
        Enter(peerEnded);
        int result = LibSsl.DoHandshake(_ssl);
        int error = result > 0 ? 0 : LibSsl.GetError(_ssl, result);
        Leave();
        if (result > 0)
        {
            IsShaken = true;
            return TlsProgress.Done;
        }

        if (error == LibSsl.ErrorWantRead) return TlsProgress.WantRead;
        _isBroken = true;
        nuint code = LibSsl.TakeSslError();
        bool isClosed = error != LibSsl.ErrorSsl || code == 0;
        (Failure, Problem) = isClosed ? (TlsFailure.Closed, "the peer closed the connection") : (Judge(code), LibSsl.ReasonOf(code));
        if (Failure == TlsFailure.CertificateRefused && LibSsl.VerifyResult(_ssl) is not LibSsl.VerifyOk and var verdict)
            Problem = LibSsl.Text(LibSsl.VerifyErrorText(verdict));
        LibSsl.ClearErrors();
        return isClosed ? TlsProgress.Closed : Failure == TlsFailure.CertificateRefused ? TlsProgress.Untrusted : TlsProgress.Failed;
    }

    /// <summary>
    /// Bytes received, as many records as are there and fit; 0 at the peer's close_notify; a negated <see cref="Errno"/>: EAGAIN when there
    /// is nothing now, ECONNRESET when the stream ended without close_notify, EPROTO for what is no sound record.
    /// </summary>
    public int Receive(Span<byte> buffer, bool peerEnded)
    {
        if (_end <= 0) return _end;
        Enter(peerEnded);
        int total = 0;
        fixed (byte* start = buffer)
        {
            while (total < buffer.Length)
            {
                int count = LibSsl.Read(_ssl, start + total, buffer.Length - total);
                if (count <= 0)
                {
                    int end = JudgeRead(count);
                    if (end != -(int)Errno.EAGAIN) _end = end;
                    else if (total == 0) total = end;
                    break;
                }

                total += count;
                if (_transport.State.IsDrained && LibSsl.HasPending(_ssl) == 0) break;
            }
        }

        Leave();
        return total == 0 ? _end : total;
    }

    /// <summary>Seals at most <see cref="TlsTransport.LargestWrite"/> bytes into the transport's output. False: the connection is broken.</summary>
    public bool Seal(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return !_isBroken;
        if (_isBroken || _endIsSent) return false;
        Enter(peerEnded: false);
        int written;
        fixed (byte* start = bytes) written = LibSsl.Write(_ssl, start, bytes.Length);
        Leave();
        _isBroken = written != bytes.Length;
        return !_isBroken;
    }

    /// <summary>Seals close_notify, once: the peer can tell that what it has is whole.</summary>
    public void SealEnd()
    {
        if (_endIsSent || _isBroken || !IsShaken) return;
        _endIsSent = true;
        Enter(peerEnded: false);
        _ = LibSsl.Shutdown(_ssl);
        Leave();
        LibSsl.ClearErrors();
    }

    /// <summary>Frees the native state.</summary>
    public void Release()
    {
        if (_ssl == 0) return;
        LibSsl.Free(_ssl);
        _ssl = 0;
        _context = null;
        Problem = "";
    }

    private void Begin(TlsTransport transport, object context, nint native, int descriptor)
    {
        Release();
        _transport = transport;
        _context = context;
        _descriptor = descriptor;
        _isDrained = _isBroken = _endIsSent = false;
        IsShaken = false;
        Failure = TlsFailure.None;
        _end = 1;
        _ssl = LibSsl.New(native);
        if (_ssl == 0) throw new OutOfMemoryException("SSL_new failed");
        _ = LibSsl.BioUpReference(transport.Bio);
        LibSsl.SetTransport(_ssl, transport.Bio, transport.Bio);
    }

    private void Enter(bool peerEnded)
    {
        ref TlsTransport.Wire wire = ref _transport.State;
        wire.Descriptor = _descriptor;
        wire.IsDrained = _isDrained;
        wire.PeerEnded = peerEnded;
        wire.AtEnd = false;
        wire.Error = Errno.None;

        // SSL_get_error(3): an error of another connection in the thread's queue would be taken for ours.
        LibSsl.ClearErrors();
    }

    private void Leave() => _isDrained = _transport.State.IsDrained;

    private int JudgeRead(int result)
    {
        int error = LibSsl.GetError(_ssl, result);
        if (error == LibSsl.ErrorWantRead) return -(int)Errno.EAGAIN;
        if (error == LibSsl.ErrorZeroReturn) return 0;
        _isBroken = true;
        ref TlsTransport.Wire wire = ref _transport.State;
        Errno errno = wire.Error != Errno.None ? wire.Error : wire.AtEnd ? Errno.ECONNRESET : Errno.EPROTO;
        LibSsl.ClearErrors();
        return -(int)errno;
    }

    /// <summary>Of the numbers in sslerr.h those that an operator tells apart; from 1000 on they are the peer's alerts.</summary>
    private static TlsFailure Judge(nuint code) => LibSsl.Reason(code) switch
    {
        155 or 156 => TlsFailure.PlainHttp, // HTTPS_PROXY_REQUEST, HTTP_REQUEST
        234 => TlsFailure.UnknownName, // CALLBACK_FAILED: the one for the server's name is the only one of ours that refuses
        258 or 259 or 396 or 166 or 373 or 191 => TlsFailure.Version, // UNSUPPORTED_PROTOCOL, ..., INAPPROPRIATE_FALLBACK
        193 or 101 or 118 or 410 or 376 => TlsFailure.NoSharedCipher, // NO_SHARED_CIPHER, ... KEY_SHARE, ... SIGNATURE_ALGORITHM(S), ... GROUPS
        235 => TlsFailure.NoSharedProtocol,
        199 => TlsFailure.NoCertificate,
        134 => TlsFailure.CertificateRefused,
        >= 1000 and < 1256 => TlsFailure.PeerAlert,
        294 => TlsFailure.Closed, // UNEXPECTED_EOF_WHILE_READING
        _ => TlsFailure.Malformed,
    };
}
