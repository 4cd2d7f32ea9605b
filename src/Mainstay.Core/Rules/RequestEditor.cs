using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Rules;

/// <summary>
/// Writes a request's head anew, with another target, host or other headers. What comes out is a head like a received one: it is
/// parsed by the same strict rules before it goes on, so that no rule can make a message that two receivers read differently.
/// </summary>
public sealed class RequestEditor
{
    private readonly TargetRewrite? _target;
    private readonly Template? _host;

    internal RequestEditor(RewriteSnapshot? rewrite, HeaderEdits headers, CaptureSlots slots)
    {
        Headers = headers;
        _target = rewrite is not null && TargetRewrite.ChangesTarget(rewrite) ? new TargetRewrite(rewrite, slots) : null;
        _host = rewrite is { Host.Length: > 0 } ? new Template(rewrite.Host, TemplateUse.Host, slots) : null;
    }

    public HeaderEdits Headers { get; }

    /// <param name="ownStart">Where the fields begin that rules have set.</param>
    /// <returns>Length of the new head; -1 when it does not fit, or the target had to be refused for <paramref name="reason"/>.</returns>
    public int Write(Span<byte> destination, in RuleInput input, out int ownStart, out RejectReason reason)
    {
        RequestHead request = input.Request;
        ReadOnlySpan<byte> head = input.Head;
        reason = RejectReason.None;
        ownStart = 0;
        var buffer = new HeadBuffer(destination);
        buffer.Write(request.MethodRange.Of(head));
        buffer.Write(" "u8);
        if (!TryWriteTarget(ref buffer, input, out reason)) return -1;
        buffer.Write(request.IsHttp10 ? " HTTP/1.0\r\n"u8 : " HTTP/1.1\r\n"u8);
        bool writesHost = _host is not null || request.Form == TargetForm.Absolute;
        if (writesHost) WriteHost(ref buffer, input);
        Headers.Copy(ref buffer, request.Fields, head, dropHost: writesHost);
        ownStart = buffer.Result;
        Headers.Write(ref buffer, input);
        buffer.Write("\r\n"u8);
        return buffer.Result;
    }

    private bool TryWriteTarget(ref HeadBuffer buffer, in RuleInput input, out RejectReason reason)
    {
        reason = RejectReason.None;
        RequestHead request = input.Request;
        if (request.Form == TargetForm.Asterisk)
        {
            buffer.Write("*"u8);
            return true;
        }

        if (_target is not null) return _target.TryWrite(ref buffer, input, out reason);
        if (request.Form == TargetForm.Absolute && request.Path.IsEmpty && request.Method == RequestMethod.Options && request.Query.IsEmpty)
        {
            buffer.Write("*"u8);
            return true;
        }

        if (request.Path.IsEmpty) buffer.Write("/"u8);
        buffer.Write(request.Path.Of(input.Head));
        if (!request.Query.IsEmpty || input.Head[request.Target.End - 1] == '?') buffer.Write("?"u8);
        buffer.Write(request.Query.Of(input.Head));
        return true;
    }

    private void WriteHost(ref HeadBuffer buffer, in RuleInput input)
    {
        buffer.Write("Host: "u8);
        if (_host is not null) _host.Write(ref buffer, input);
        else buffer.Write(input.Request.Authority.Of(input.Head));
        buffer.Write("\r\n"u8);
    }
}

/// <summary>Writes a response's head anew, with other headers; it is parsed again before it goes on, as a received one.</summary>
public static class ResponseEditor
{
    /// <returns>Length of the new head, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, HeaderEdits edits, ResponseHead response, ReadOnlySpan<byte> head, ReadOnlySpan<byte> early, in ResponseInput input)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(head[..response.FieldsStart]);
        edits.Copy(ref buffer, response.Fields, head, dropHost: false);
        edits.WriteLate(ref buffer, early, input);
        buffer.Write("\r\n"u8);
        return buffer.Result;
    }
}
