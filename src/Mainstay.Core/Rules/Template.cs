using System.Buffers.Binary;
using System.Text;
using Mainstay.Core.Http;

namespace Mainstay.Core.Rules;

/// <summary>Where a template's text goes.</summary>
public enum TemplateUse : byte
{
    HeaderValue,

    /// <summary>A whole URL or path with query, in a Location.</summary>
    Location,

    /// <summary>The path of a request.</summary>
    Path,

    /// <summary>A whole query.</summary>
    Query,

    /// <summary>The value of one query parameter.</summary>
    Parameter,

    /// <summary>What a map or a hash is asked.</summary>
    Key,

    /// <summary>The host of a request.</summary>
    Host,
}

/// <summary>A template, made ready. Immutable; writing it allocates nothing.</summary>
public sealed class Template
{
    private readonly TemplatePiece[] _pieces;

    internal Template(string text, TemplateUse use, CaptureSlots slots, CaptureScope scope = default)
    {
        IReadOnlyList<TemplatePart> parts = TemplateText.Split(text);
        _pieces = new TemplatePiece[parts.Count];
        string before = "";
        for (int i = 0; i < _pieces.Length; i++)
        {
            _pieces[i] = TemplatePiece.Create(parts[i], use, before, slots, scope);
            if (!parts[i].IsVariable) before += parts[i].Text;
            else before += "x";
        }

        Source = text;
        NeedsHost = _pieces.Any(piece => piece.Kind == VariableKind.Host);
        IsStatic = _pieces.All(piece => piece.Kind == VariableKind.Literal);
        StartsWithDoubleSlash = text.StartsWith("//", StringComparison.Ordinal) && !text.StartsWith("//{", StringComparison.Ordinal);
    }

    /// <summary>As written.</summary>
    public string Source { get; }

    /// <summary>It has {host}: a request without one (HTTP/1.0) leaves a hole.</summary>
    public bool NeedsHost { get; }

    /// <summary>Says the same for every request.</summary>
    public bool IsStatic { get; }

    /// <summary>Two slashes that the operator wrote: the URL of another host.</summary>
    internal bool StartsWithDoubleSlash { get; }

    /// <summary>The text for a request, in scratch memory until the next one; false when it is too long.</summary>
    public bool TryRender(scoped in RuleInput input, out ReadOnlySpan<byte> text)
    {
        var key = new HeadBuffer(input.State.Key);
        Write(ref key, input);
        text = key.Written;
        return key.Result >= 0;
    }

    /// <summary>Writes all that is known with the request; the rest as nothing.</summary>
    internal void Write(ref HeadBuffer buffer, scoped in RuleInput input)
    {
        foreach (TemplatePiece piece in _pieces) piece.Write(ref buffer, input);
    }

    /// <summary>Writes what only the request knows, for <see cref="WriteLate"/>: every value behind its length.</summary>
    internal void WriteEarly(ref HeadBuffer buffer, in RuleInput input)
    {
        foreach (TemplatePiece piece in _pieces)
        {
            if (!piece.IsEarly) continue;
            Span<byte> length = buffer.Reserve(sizeof(ushort));
            int start = buffer.Result;
            piece.Write(ref buffer, input);
            if (buffer.Result - start > ushort.MaxValue) buffer.Fail();
            if (buffer.Result >= 0) BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)(buffer.Result - start));
        }
    }

    /// <summary>Writes the whole, with the values that <see cref="WriteEarly"/> kept.</summary>
    /// <param name="at">Where in them this template's begin; then where the next one's do.</param>
    internal void WriteLate(ref HeadBuffer buffer, scoped ReadOnlySpan<byte> early, ref int at, scoped in ResponseInput input)
    {
        foreach (TemplatePiece piece in _pieces)
        {
            if (!piece.IsEarly)
            {
                piece.WriteLate(ref buffer, input);
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16LittleEndian(early[at..]);
            buffer.Write(early.Slice(at + sizeof(ushort), length));
            at += sizeof(ushort) + length;
        }
    }

    /// <summary>Writes the literal text alone; for templates without variables.</summary>
    internal void WriteStatic(ref HeadBuffer buffer)
    {
        foreach (TemplatePiece piece in _pieces) buffer.Write(piece.Text);
    }
}

/// <summary>One piece of a template: text, or a variable with how it is encoded here.</summary>
internal readonly record struct TemplatePiece
{
    public VariableKind Kind { get; private init; }

    /// <summary>Literal text, or the name that a variable takes.</summary>
    public byte[] Text { get; private init; }

    /// <summary>Of a capture or a map.</summary>
    private int Slot { get; init; }
    private TlsFact Tls { get; init; }
    private ValueEncoding Encoding { get; init; }

    /// <summary>For the form that captures from the path have.</summary>
    private ValueEncoding PathEncoding { get; init; }

    /// <summary>Nothing precedes it: a path must not begin with two slashes here.</summary>
    private bool IsFirst { get; init; }

    public bool IsEarly => Kind is > VariableKind.Literal and < VariableKind.Server;

    public static TemplatePiece Create(TemplatePart part, TemplateUse use, string before, CaptureSlots slots, CaptureScope scope)
    {
        if (!part.IsVariable) return new TemplatePiece { Text = System.Text.Encoding.UTF8.GetBytes(part.Text) };
        CaptureReference reference = CaptureReference.Parse(part.Text);
        VariableInfo? known = reference.Number > 0 ? null : Variables.Find(part.Text, out _);
        if (known is null)
        {
            return new TemplatePiece
            {
                Kind = VariableKind.Capture,
                Text = [],
                Slot = slots.SlotOf(reference, scope),
                Encoding = EncodingOf(use, before, ValueForm.Text, isQuery: false),
                PathEncoding = EncodingOf(use, before, ValueForm.Path, isQuery: false),
            };
        }

        Variables.Find(part.Text, out string argument);
        return new TemplatePiece
        {
            Kind = known.Kind,
            Text = System.Text.Encoding.UTF8.GetBytes(argument),
            Slot = known.Kind == VariableKind.Map ? slots.SlotOfMap(argument) : 0,
            Tls = known.Tls,
            Encoding = known.Kind == VariableKind.Host && use == TemplateUse.Location && !before.Contains('?')
                ? ValueEncoding.Url
                : EncodingOf(use, before, known.Form, known.Kind == VariableKind.Query),
            IsFirst = before.Length == 0 || before.All(c => c == '/'),
        };
    }

    public void Write(ref HeadBuffer buffer, scoped in RuleInput input)
    {
        RequestHead request = input.Request;
        switch (Kind)
        {
            case VariableKind.Literal: buffer.Write(Text); break;
            case VariableKind.Path: WritePath(ref buffer, request.Path.Of(input.Head)); break;
            case VariableKind.Uri:
                WritePath(ref buffer, request.Path.Of(input.Head));
                if (!request.Query.IsEmpty) ValueEncodings.Write(ref buffer, "?"u8, Encoding);
                ValueEncodings.Write(ref buffer, request.Query.Of(input.Head), Encoding);
                break;
            case VariableKind.Port: buffer.Write(input.Origin.LocalPort); break;
            case VariableKind.ClientPort: buffer.Write(input.Origin.Port); break;
            case VariableKind.Time: buffer.Write(input.UnixNanoseconds / 1_000_000_000); break;
            case VariableKind.TimeIso or VariableKind.TimeHttp: TimeText.Write(ref buffer, input.UnixNanoseconds, Kind == VariableKind.TimeIso); break;
            case VariableKind.Capture:
                ValueEncoding encoding = input.State.FormOf(Slot) == ValueForm.Path ? PathEncoding : Encoding;
                ValueEncodings.Write(ref buffer, input.State.CaptureOf(Slot, input), encoding);
                break;
            default: ValueEncodings.Write(ref buffer, Value(input), Encoding); break;
        }
    }

    public void WriteLate(ref HeadBuffer buffer, scoped in ResponseInput input)
    {
        switch (Kind)
        {
            case VariableKind.Status: buffer.Write(input.Status); break;
            case VariableKind.Server: ValueEncodings.Write(ref buffer, input.Server, Encoding); break;
            case VariableKind.ResponseHeader when input.Response is { } response:
                ValueEncodings.Write(ref buffer, FirstField(response.Fields, input.Head), Encoding);
                break;
            case VariableKind.Literal: buffer.Write(Text); break;
        }
    }

    private ReadOnlySpan<byte> Value(in RuleInput input)
    {
        RequestHead request = input.Request;
        switch (Kind)
        {
            case VariableKind.Method: return request.MethodRange.Of(input.Head);
            case VariableKind.Scheme: return input.Origin.IsTls ? "https"u8 : "http"u8;
            case VariableKind.Host: return request.Host.Of(input.Head);
            case VariableKind.Query: return request.Query.Of(input.Head);
            case VariableKind.Parameter: return Parameter(input);
            case VariableKind.Header: return FirstField(request.Fields, input.Head);
            case VariableKind.Cookie: return Cookie(input);
            case VariableKind.ClientAddress: return input.Origin.AddressText;
            case VariableKind.Tls: return input.Origin.Tls(Tls);
            case VariableKind.RequestId: return input.RequestId;
            case VariableKind.Route: return input.Route;
            case VariableKind.Service: return input.Service;
            case VariableKind.Pool: return input.Pool;
            case VariableKind.Node: return input.Node;
            case VariableKind.Map: return input.State.AnswerOf(Slot);
            default: return default;
        }
    }

    private ReadOnlySpan<byte> FirstField(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head)
    {
        foreach (ref readonly HeaderField field in fields)
            if (RequestValues.HasName(field, head, Text)) return field.ValueRange.Of(head);
        return default;
    }

    private ReadOnlySpan<byte> Parameter(in RuleInput input)
    {
        ReadOnlySpan<byte> query = input.Request.Query.Of(input.Head);
        while (RequestValues.TryNextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            if (RequestValues.DecodeParameter(name, input.State.Bytes).SequenceEqual(Text))
                return RequestValues.DecodeParameter(value, input.State.Bytes);
        return default;
    }

    private ReadOnlySpan<byte> Cookie(in RuleInput input)
    {
        foreach (ref readonly HeaderField field in input.Request.Fields)
        {
            if (field.Name != FieldName.Cookie) continue;
            ReadOnlySpan<byte> cookies = field.ValueRange.Of(input.Head);
            while (RequestValues.TryNextCookie(ref cookies, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
                if (name.SequenceEqual(Text)) return value;
        }

        return default;
    }

    /// <summary>A Location that starts with "//" leads to another host: at the start the path keeps one slash only.</summary>
    private void WritePath(ref HeadBuffer buffer, ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] != '/') path = "/"u8;
        if (IsFirst)
            while (path.Length > 1 && path[1] == '/') path = path[1..];
        ValueEncodings.Write(ref buffer, path, Encoding);
    }

    private static ValueEncoding EncodingOf(TemplateUse use, string before, ValueForm form, bool isQuery)
    {
        switch (use)
        {
            case TemplateUse.HeaderValue or TemplateUse.Host: return ValueEncoding.HeaderValue;
            case TemplateUse.Key: return ValueEncoding.None;
            case TemplateUse.Parameter: return ValueEncoding.Component;
        }

        // The value of a parameter must not become more parameters; only {query} is meant as a whole.
        bool inQuery = use == TemplateUse.Query || before.Contains('?');
        if (inQuery && before.EndsWith('=') && !isQuery) return ValueEncoding.Component;
        return form switch
        {
            ValueForm.Url => ValueEncoding.Url,
            ValueForm.Path when !inQuery => ValueEncoding.Path,
            _ => ValueEncoding.Component,
        };
    }
}

/// <summary>Points in time as templates write them.</summary>
internal static class TimeText
{
    public static void Write(ref HeadBuffer buffer, long unixNanoseconds, bool iso)
    {
        if (!iso)
        {
            Span<byte> date = buffer.Reserve(HttpDate.Length);
            if (!date.IsEmpty) HttpDate.Format(unixNanoseconds / 1_000_000_000, date);
            return;
        }

        const int length = 20;
        Span<byte> room = buffer.Reserve(length);
        if (!room.IsEmpty) DateTime.UnixEpoch.AddTicks(unixNanoseconds / 100).TryFormat(room, out _, "yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
    }
}
