using System.Globalization;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Linux;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Probing;

/// <summary>A TLS handshake, for https with a conversation inside it. Looks at the certificate's end in both cases.</summary>
internal sealed class TlsProbe(ProbeContext context, ProbedServer server, Conversation? conversation)
    : StreamProbe(context, server, conversation)
{
    private TlsClientContext? _tls;
    private TlsClientSession? _session;
    private bool _isSecured;
    private string? _certificateWarning;

    public override CheckOutcome? Start()
    {
        if (_tls is null)
        {
            _tls = Context.FindTls(Server.Check.Verify, out string problem);
            if (_tls is null) return new(CheckLayer.Self, CheckCause.Unable, problem);
        }

        _isSecured = false;
        _certificateWarning = null;
        return base.Start();
    }

    protected override CheckOutcome? OnConnectedAtOnce() => null;

    protected override CheckOutcome? Continue()
    {
        if (!_isSecured && Shake() is { } ended) return ended;
        if (!_isSecured) return null;
        return Converse() is { } outcome ? WithWarning(outcome) : null;
    }

    protected override CheckOutcome TimedOutWhileTalking() => _isSecured
        ? WithWarning(base.TimedOutWhileTalking())
        : new(CheckLayer.Session, CheckCause.TimedOut, $"timeout after {WireText.Duration(Server.Check.Timeout)} in the TLS handshake");

    protected override int Send(ReadOnlySpan<byte> bytes) =>
        _session is { } session ? Count(session.Write(bytes, out int count), count) : -(int)Errno.ENOTCONN;

    protected override int Receive(Span<byte> buffer, out bool mayHaveMore)
    {
        mayHaveMore = true; // OpenSSL may hold decrypted bytes: read until it wants more
        return _session is { } session ? Count(session.Read(buffer, out int count), count) : -(int)Errno.ENOTCONN;
    }

    protected override void EndSession()
    {
        _session?.Dispose();
        _session = null;
    }

    private static int Count(TlsProgress progress, int count) => progress switch
    {
        TlsProgress.Done => count,
        TlsProgress.WantRead or TlsProgress.WantWrite => -(int)Errno.EAGAIN,
        TlsProgress.Closed => 0,
        _ => -(int)Errno.EPROTO,
    };

    private CheckOutcome? Shake()
    {
        if (_tls is not { } tls) return null;
        _session ??= new TlsClientSession(tls, Descriptor, ServerName());
        switch (_session.Handshake())
        {
            case TlsProgress.WantRead or TlsProgress.WantWrite: return null;
            case TlsProgress.Closed: return new(CheckLayer.Session, CheckCause.Closed, "closed in the TLS handshake");
            case TlsProgress.Untrusted: return new(CheckLayer.Session, CheckCause.Untrusted, $"certificate: {_session.Problem}");
            case TlsProgress.Failed: return new(CheckLayer.Session, CheckCause.Failed, $"TLS handshake: {_session.Problem}");
        }

        _isSecured = true;
        _certificateWarning = LookAtCertificate(_session.CertificateLeft());
        return Server.Check.Kind == CheckKind.Tls ? WithWarning(CheckOutcome.Pass(CheckLayer.Session, _session.Version)) : null;
    }

    private string? ServerName()
    {
        if (Server.Check.Host is { } host) return WithoutPort(host);
        return Server.Runtime.Endpoint.HostName ?? (Server.Runtime.Endpoint.IsUnix ? null : Server.Runtime.Endpoint.Address.ToString());
    }

    /// <summary>Of a Host header: name, name:port, [v6] or [v6]:port.</summary>
    private static string WithoutPort(string host)
    {
        if (host.StartsWith('[')) return host[1..].Split(']')[0];
        int colon = host.IndexOf(':');
        return colon < 0 ? host : host[..colon];
    }

    private string? LookAtCertificate(TimeSpan? left)
    {
        if (left is not { } time || time >= Server.Check.CertificateWarning) return null;
        return time < TimeSpan.Zero
            ? string.Create(CultureInfo.InvariantCulture, $"certificate expired {Span(-time)} ago (warning)")
            : string.Create(CultureInfo.InvariantCulture, $"certificate expires in {Span(time)} (warning)");
    }

    private static string Span(TimeSpan time) => time.TotalDays >= 2 ? $"{(int)time.TotalDays} days" : $"{(int)time.TotalHours} hours";

    private CheckOutcome WithWarning(in CheckOutcome outcome) => _certificateWarning is { } warning && outcome.IsGood
        ? outcome with { Cause = CheckCause.Warning, Text = $"{outcome.Text}, {warning}" }
        : outcome;
}
