using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;
using Mainstay.Core.Rules;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>Limits and bans: whether a request is carried out at all.</summary>
internal sealed partial class Exchange
{
    /// <summary>Whose request counts; none where nobody counts.</summary>
    private NetAddress _guarded;

    /// <summary>False when the request was refused and the exchange has ended.</summary>
    /// <param name="route">Index; negative where none matched.</param>
    private bool PassesGuard(RequestHead request, ReadOnlySpan<byte> rest, int route, in RuleInput input)
    {
        ServiceGuard guard = _service.Guard;
        if (!guard.HasWork) return true;
        ref Standing standing = ref _client.Standing;
        if (standing.IsExempt) return true;
        NetAddress client = guard.ClientOf(standing, request, input.Head, _client.Address);
        if (!guard.TryPass(ref standing, input, client, route, shard.Number, _loop.Now, _loop.UnixNanoseconds, out Refusal refusal))
        {
            OnRefused(request, rest, refusal);
            return false;
        }

        if (guard.Detector is not null) _guarded = client;
        if (guard.HasByteLimits) ChoosePaces(guard, route, input, client);
        return true;
    }

    private void NoteOutcome()
    {
        _service.Guard.Detector?.NoteStatus(_status, _guarded, shard.Number, _loop.Now, _loop.UnixNanoseconds);
        _guarded = default;
    }

    private void OnRefused(RequestHead request, ReadOnlySpan<byte> rest, in Refusal refusal)
    {
        if (refusal.Ban is BanAction.Reset or BanAction.Tarpit)
        {
            End(new Outcome(OutcomePhase.Route, refusal.Cause));
            _client.OnExchangeAborted(reset: true);
            return;
        }

        Span<byte> fields = stackalloc byte[RefusalFields.MaxLength];
        int length = RefusalFields.WriteLimit(fields, refusal.Wait, refusal.Limit is { } limit ? limit.Announcement(refusal.Bucket) : null);

        // A limited client may go on with the next request; a banned one is to be gone.
        AnswerOwn(request, rest, refusal.Cause, refusal.Status, fields[..length], mayKeep: refusal.Ban is null);
    }

    /// <summary>
    /// Ends the exchange with an error response of our own, before anything was forwarded. The connection stays when the request is here
    /// in whole: a client that has to connect again costs more than one that waits.
    /// </summary>
    /// <param name="fields">Further header fields, each with its line end.</param>
    private void AnswerOwn(
        RequestHead request, ReadOnlySpan<byte> rest, OutcomeCause cause, int status, ReadOnlySpan<byte> fields, bool mayKeep)
    {
        if (!_requestBody.TryPass(rest, _route.Rules.Limits, out int bodyLength, out RejectReason reason))
        {
            Refuse(reason);
            return;
        }

        bool whole = _requestBody.IsEnd;
        if (whole) _client.KeepAhead(rest[bodyLength..]);
        bool keep = _clientKeepAlive && whole && mayKeep && request.Form != TargetForm.Authority;
        int length = _route.Rules.ErrorPages.For(status).Write(
            shard.Output, shard.Date, new OwnResponse(keep, _clientIsHttp10, _method == RequestMethod.Head), fields);
        _status = status;
        _bytesToClient = length;
        SendResult sent = SendOwn(shard.Output[..length]);
        End(new Outcome(OutcomePhase.Route, cause));
        if (sent == SendResult.Failed) _client.OnExchangeAborted(reset: false);
        else _client.OnExchangeDone(keep, linger: !whole);
    }
}
