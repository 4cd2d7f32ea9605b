using Mainstay.Core.Http;
using Mainstay.Core.Rules;
using Mainstay.Core.Tls;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tls;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Http;

/// <summary>The TLS handshake in front of the first request.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>The certificate that the client showed; made once for a connection.</summary>
    private TlsPeerCertificate? _certificate;

    public ReadOnlySpan<byte> Tls(TlsFact fact) => !IsSecured ? default : fact switch
    {
        TlsFact.Version => Security.Version,
        TlsFact.Cipher => Security.Cipher,
        TlsFact.Sni => Security.ServerName,
        TlsFact.ClientSubject => _certificate?.Subject,
        TlsFact.ClientIssuer => _certificate?.Issuer,
        TlsFact.ClientSerial => _certificate?.Serial,
        TlsFact.ClientFingerprint => _certificate?.Fingerprint,
        _ => default,
    };

    /// <summary>The client has sent something.</summary>
    public bool HasSpoken { get; private set; }

    private void BeginHandshake(TlsProfile profile)
    {
        _state = ClientState.Handshake;
        HasSpoken = false;
        _certificate = null;
        Secure(shard.TlsTransport, profile.Context);
        shard.Handshakes.Enter();
        Loop.Arm(this, Loop.Now + profile.Snapshot.Handshake.Timeout);
    }

    private void ContinueHandshake()
    {
        if (!IsReadable) return;
        HasSpoken |= !PeerEnded;
        switch (Shake())
        {
            case TlsProgress.Done:
                OnSecured();
                break;
            case TlsProgress.WantRead:
                break;
            default:
                FailHandshake(Security.Failure == TlsFailure.None ? TlsFailure.Closed : Security.Failure);
                break;
        }
    }

    private void OnSecured()
    {
        shard.Handshakes.Leave();
        ServiceCounters counters = shard.Services[CountedService];
        counters.Handshakes++;
        if (Security.IsResumed) counters.Resumed++;
        if (_listener.Listener.Tls is { Snapshot.Client: not null }) _certificate = Security.PeerCertificate();
        _state = ClientState.Head;
        Loop.Arm(this, Loop.Now + Service.Snapshot.Timeouts.Head);
        Advance();
    }

    private void FailHandshake(TlsFailure failure)
    {
        shard.Handshakes.Leave();
        _state = ClientState.Head;
        OutcomeCause cause = failure == TlsFailure.Timeout ? OutcomeCause.ClientHandshakeTimeout : OutcomeCause.ClientHandshakeFailed;
        shard.OnHandshakeFailed(this, failure, new Outcome(OutcomePhase.Handshake, cause));
        if (failure != TlsFailure.PlainHttp)
        {
            Close();
            return;
        }

        // A person with a browser at the wrong port reads this.
        DropSecurity();
        MarkReadable();
        shard.Counters.Rejected[(int)RejectReason.PlainOnTlsPort]++;
        RespondAndClose(Outcome.RejectedRequest(OutcomePhase.Handshake, RejectReason.PlainOnTlsPort), linger: true);
    }
}
