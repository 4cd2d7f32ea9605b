using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Rules;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>What the rules make of a request and its response: route, access, pool, target, headers.</summary>
internal sealed partial class Exchange
{
    private PoolChoice? _to;
    private bool _isTrusted;

    /// <summary>Of <see cref="_kept"/>: what templates of the response take from the request; -1 = not kept.</summary>
    private int _earlyStart;
    private int _earlyLength;

    private ReadOnlySpan<byte> Early => _earlyLength <= 0 ? default : _kept.Memory.Slice(_earlyStart, _earlyLength);

    private void IdentifyRequest(RequestHead request, ReadOnlySpan<byte> head)
    {
        ForwardedPolicy policy = _service.Forwarded;
        _isTrusted = policy.IsTrusted(_client.Address);
        if (!policy.HasRequestId) return;
        if (policy.TryFindRequestId(request, head, _isTrusted, out ByteRange given))
        {
            given.Of(head).CopyTo(_requestId);
            _requestIdLength = given.Length;
        }
        else
        {
            shard.RequestIds.Write(_requestId);
            _requestIdLength = Mainstay.Core.Http.RequestId.Length;
        }
    }

    /// <summary>Chooses what is done with the request, and begins it.</summary>
    private void Route(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest)
    {
        _route = _service.NotFound;
        RouteTable routes = _service.Routes[shard.Number];
        if (routes.TryMatch(request, head, _client, out int route, out RuleInput input, out RejectReason reason)) _route = _service.Targets[route];
        if (reason == RejectReason.None && request.Form == TargetForm.Authority) reason = RejectReason.ConnectNotSupported;
        if (reason == RejectReason.None) reason = CheckLimits(request, head);
        if (reason != RejectReason.None)
        {
            Refuse(reason);
            return;
        }

        if (_client.OnlyRoute is { } only) _route = only;

        // RFC 9110 section 7.6.2: the last recipient answers OPTIONS and TRACE itself.
        if (request.MaxForwards == 0) _route = _service.LastRecipient;
        if (_route.GoesToPool) _to = _route.Choose(input, ref shard.SplitSequence);
        input = WithNames(input);
        KeepEarly(input);
        if (_route.Rules.Access is { } access && !access.Allows(_client.Address))
        {
            Fail(OutcomeCause.AccessDenied);
            return;
        }

        if (PassesGuard(request, rest, route, input) && PassesAuth(request, head, rest, route)) Proceed(request, head, rest, input, route);
    }

    /// <summary>The request is to be carried out.</summary>
    private void Proceed(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest, in RuleInput input, int route)
    {
        if (_to is null) Answer(request, rest, input);
        else if (_service.Routes[shard.Number].EditorOf(route) is { } editor) Edit(editor, request, head, rest, input);
        else Forward(request, head, rest, authority: default);
    }

    private RuleInput WithNames(RuleInput input) => input with
    {
        RequestId = RequestId,
        Route = _route.NameText,
        Service = _service.NameText,
        Pool = _to is null ? default : _to.NameText,
        Node = _service.NodeText,
        UnixNanoseconds = _loop.UnixNanoseconds,
    };

    private RejectReason CheckLimits(RequestHead request, ReadOnlySpan<byte> head)
    {
        HttpLimits limits = _route.Rules.Limits;
        if (head.Length > limits.Head) return RejectReason.HeadTooLarge;
        return limits.Body > 0 && request.Body.Length > limits.Body ? RejectReason.BodyTooLarge : RejectReason.None;
    }

    /// <summary>Writes the head anew, reads it again by the rules for received ones, and goes on with it.</summary>
    private void Edit(RequestEditor editor, RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest, in RuleInput input)
    {
        ReadOnlySpan<byte> authority = request.Authority.Of(head);
        Span<byte> output = shard.Edited;
        int length = editor.Write(output, input, out int ownStart, out RejectReason reason);
        if (length < 0)
        {
            if (reason != RejectReason.None) Refuse(reason);
            else Fail(OutcomeCause.HeadDoesNotFit);
            return;
        }

        ReadOnlySpan<byte> edited = output[..length];
        if (request.TryParseEdited(edited, ownStart, _route.Rules.Limits, out reason)) Forward(request, edited, rest, authority);
        else Refuse(reason);
    }

    /// <summary>Keeps what the response's templates need of the request, which is not there any more then.</summary>
    private void KeepEarly(in RuleInput input)
    {
        HeaderEdits edits = _route.Rules.ResponseHeaders;
        if (edits.IsStatic)
        {
            _earlyLength = 0;
            return;
        }

        int length = edits.WriteEarly(shard.Edited, input);
        if (length < 0) return;
        if (_kept.Room.Length < length)
        {
            Block larger = shard.Blocks.Rent(_kept.End + length);
            larger.Append(_kept.Filled);
            shard.Blocks.Return(_kept);
            _kept = larger;
        }

        _earlyStart = _kept.End;
        _earlyLength = length;
        _kept.Append(shard.Edited[..length]);
    }

    /// <summary>Header lines that rules put into a response of our own.</summary>
    private ReadOnlySpan<byte> OwnFields(int status)
    {
        HeaderEdits edits = _route.Rules.ResponseHeaders;
        if (edits.IsEmpty) return default;
        var response = new ResponseInput { Status = status, Server = _lane is null ? default : _lane.Server.NameText };
        return edits.WriteOwn(shard.Edited, _earlyLength >= 0, Early, response);
    }

    /// <summary>The server's head with the rules' changes, parsed; false when it cannot be used for <paramref name="reason"/>.</summary>
    private bool TryEditResponse(ref ReadOnlySpan<byte> head, out RejectReason reason)
    {
        reason = RejectReason.None;
        HeaderEdits edits = _route.Rules.ResponseHeaders;
        if (edits.IsEmpty || _earlyLength < 0) return true;
        var response = new ResponseInput { Status = shard.Response.Status, Server = _lane!.Server.NameText, Response = shard.Response, Head = head };
        Span<byte> output = shard.Edited;
        int length = ResponseEditor.Write(output, edits, shard.Response, head, Early, response);
        reason = RejectReason.HeadTooLarge;
        if (length < 0) return false;
        head = output[..length];
        HttpLimits limits = HttpShard.ResponseLimits with { Head = output.Length, Fields = HttpShard.ResponseLimits.Fields + 100 };
        return shard.Response.TryParse(head, _method, _isUpgrade, limits, out reason);
    }
}
