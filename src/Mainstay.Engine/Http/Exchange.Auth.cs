using Mainstay.Core;
using Mainstay.Core.Authentication;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;
using Mainstay.Engine.Http.Auth;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>
/// Who a request is from. Credentials that the shard has not seen for a while are checked on the offload pool; the request waits for that
/// with its head and what came behind it in a block, and goes on where it was.
/// </summary>
internal sealed partial class Exchange
{
    /// <summary>A check takes milliseconds, and its queue is bounded: after so long something is wrong.</summary>
    private static readonly TimeSpan s_checkTime = TimeSpan.FromSeconds(10);

    private Authenticator? _auth;
    private Identity? _identity;

    /// <summary>[head as received][what came behind it] while the credentials are checked.</summary>
    private Block? _held;

    /// <summary>Whose wrong credentials are counted.</summary>
    private NetAddress _claimant;

    /// <summary>The credentials of some request have been checked; maybe that request has ended meanwhile.</summary>
    private void OnChecked(CredentialCheck check, int serial)
    {
        if (serial != _serial || _phase != ExchangePhase.Verifying) return;
        _phase = ExchangePhase.Routing;
        _loop.Arm(this, Instant.Never);
        Block held = _held!;
        _held = null;
        Resume(check, held.Filled[.._receivedLength], held.Filled[_receivedLength..]);
        shard.Blocks.Return(held);
    }

    /// <summary>False when the request was refused, or waits.</summary>
    /// <param name="route">Index; negative where none matched.</param>
    private bool PassesAuth(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest, int route)
    {
        if (route < 0 || _service.Auth[route] is not { } auth || _route == _service.LastRecipient) return true;
        _auth = auth;
        ReadOnlySpan<byte> credentials = auth.Find(request, head);
        if (credentials.IsEmpty)
        {
            auth.Count("missing");
            RefuseCredentials(request, rest, null);
            return false;
        }

        if (credentials.Length > JwtReader.MaxLength)
        {
            auth.Count("too-large");
            RefuseCredentials(request, rest, new AuthVerdict(null, "too-large", JwtProblem.TooLarge.Description()));
            return false;
        }

        UInt128 digest = Digest(auth, credentials);
        _identity = shard.Verified.Find(digest, _loop.Now);
        if (_identity is not null) return true;
        _claimant = _service.Guard.ClientOf(_client.Standing, request, head, _client.Address);
        if (!auth.MayTry(_claimant, shard.Number, _loop.Now, out TimeSpan wait))
        {
            Span<byte> fields = stackalloc byte[RefusalFields.MaxLength];
            int length = RefusalFields.WriteLimit(fields, wait, null);
            AnswerOwn(request, rest, OutcomeCause.RateLimited, 429, fields[..length], mayKeep: true);
            return false;
        }

        if (!shard.Checks.TryRun(new CredentialCheck(_loop, this, _serial, auth, credentials.ToArray(), digest, _loop.UnixNanoseconds / 1_000_000_000)))
        {
            AnswerOwn(request, rest, OutcomeCause.CredentialsUnchecked, 503, default, mayKeep: true);
            return false;
        }

        _held = shard.Blocks.Rent(head.Length + rest.Length);
        _held.Append(head);
        _held.Append(rest);
        _phase = ExchangePhase.Verifying;
        ArmFor(s_checkTime);
        return false;
    }

    private void Resume(CredentialCheck check, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest)
    {
        // Both were sound when the request came; the shard's objects have served others since.
        RequestHead request = shard.Request;
        bool isSound = request.TryParse(head, _service.ParseLimits, out RejectReason reason);
        RuleInput input = default;
        int route = -1;
        if (!isSound || !_service.Routes[shard.Number].TryMatch(request, head, _client, out route, out input, out reason))
        {
            Refuse(reason == RejectReason.None ? RejectReason.InvalidTarget : reason);
            return;
        }

        if (_service.Targets[route] != _route)
        {
            // A map or list has changed meanwhile: it is not this route any more that the credentials were checked for.
            AnswerOwn(request, rest, OutcomeCause.CredentialsUnchecked, 503, default, mayKeep: true);
            return;
        }

        AuthVerdict verdict = check.Verdict;
        if (verdict.Identity is { } identity)
        {
            long left = Math.Min(identity.Expires - _loop.UnixNanoseconds / 1_000_000_000, 3600);
            TimeSpan keep = TimeSpan.FromSeconds(Math.Min(left, check.Auth.Snapshot.Cache.TotalSeconds));
            if (keep > TimeSpan.Zero) shard.Verified.Keep(check.Digest, identity, _loop.Now + keep);
            _identity = identity;
            Proceed(request, head, rest, WithNames(input), route);
            return;
        }

        if (verdict.Problem == CredentialCheck.Fault)
        {
            AnswerOwn(request, rest, OutcomeCause.CredentialsUnchecked, 503, default, mayKeep: true);
            return;
        }

        check.Auth.NoteFailure(_claimant, _loop.Now);
        RefuseCredentials(request, rest, verdict);
    }

    private void RefuseCredentials(RequestHead request, ReadOnlySpan<byte> rest, AuthVerdict? verdict) =>
        AnswerOwn(request, rest, OutcomeCause.Unauthorized, 401, _auth!.Challenge(verdict), mayKeep: true);

    /// <summary>Of one entry and its file as it is now: what was right for another is nothing here.</summary>
    private UInt128 Digest(Authenticator auth, ReadOnlySpan<byte> credentials)
    {
        Span<byte> scratch = shard.Output[..(8 + credentials.Length)];
        BitConverter.TryWriteBytes(scratch, auth.Id);
        BitConverter.TryWriteBytes(scratch[4..], auth.Generation);
        credentials.CopyTo(scratch[8..]);
        return shard.Verified.Digest(scratch);
    }

    private void DropHeld()
    {
        if (_held is null) return;
        shard.Blocks.Return(_held);
        _held = null;
    }
}
