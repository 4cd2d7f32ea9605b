using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Rules.Conditions;

/// <summary>A header, query or cookie condition. Without patterns it asks only for presence.</summary>
internal abstract class NamedCondition : Condition
{
    private readonly TextPattern[] _values;
    private readonly string _name;

    protected NamedCondition(string kind, NamedMatch match, CaptureSlots slots, CaptureField field)
    {
        _name = match.Name;
        Name = Encoding.UTF8.GetBytes(match.Name);
        _values = [.. match.Values.Select(value => new TextPattern(value.Kind, value.Text, slots, field, match.Name))];
        string values = ConditionText.List(match.Values.Select(v => ConditionText.Pattern(v.Kind, v.Text, PatternKind.Exact)));
        Text = match.Values.IsEmpty ? $"{kind} {match.Name}" : $"{kind} {match.Name}: {values}";
    }

    public override string Text { get; }

    protected byte[] Name { get; }

    protected bool Accepts(ReadOnlySpan<byte> value, in RuleInput input, int start = -1)
    {
        if (_values.Length == 0) return true;
        foreach (TextPattern pattern in _values)
            if (pattern.Matches(value, input.State, start < 0 ? CaptureSource.None : CaptureSource.Head, Math.Max(start, 0))) return true;
        return false;
    }

    /// <summary>Every value of that name, for explanations.</summary>
    protected string All(List<string> values) => values.Count == 0 ? $"no {_name}" : string.Join(", ", values);
}

internal sealed class HeaderCondition(NamedMatch match, CaptureSlots slots) : NamedCondition("header", match, slots, CaptureField.Header)
{
    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        foreach (ref readonly HeaderField field in input.Request.Fields)
        {
            if (RequestValues.HasName(field, input.Head, Name) && Accepts(field.ValueRange.Of(input.Head), input, field.ValueStart)) return true;
        }

        return false;
    }

    public override string Found(in RuleInput input)
    {
        var values = new List<string>();
        foreach (ref readonly HeaderField field in input.Request.Fields)
            if (RequestValues.HasName(field, input.Head, Name)) values.Add(Show(field.ValueRange.Of(input.Head)));
        return All(values);
    }
}

internal sealed class ParameterCondition(NamedMatch match, CaptureSlots slots) : NamedCondition("query", match, slots, CaptureField.Any)
{
    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        ReadOnlySpan<byte> query = input.Request.Query.Of(input.Head);
        while (RequestValues.TryNextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (RequestValues.DecodeParameter(name, input.State.Bytes).SequenceEqual(Name)
                && Accepts(RequestValues.DecodeParameter(value, input.State.Bytes), input)) return true;
        }

        return false;
    }

    public override string Found(in RuleInput input)
    {
        var values = new List<string>();
        ReadOnlySpan<byte> query = input.Request.Query.Of(input.Head);
        while (RequestValues.TryNextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (RequestValues.DecodeParameter(name, input.State.Bytes).SequenceEqual(Name))
                values.Add(Show(RequestValues.DecodeParameter(value, input.State.Bytes)));
        }

        return All(values);
    }
}

internal sealed class CookieCondition(NamedMatch match, CaptureSlots slots) : NamedCondition("cookie", match, slots, CaptureField.Cookie)
{
    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        foreach (ref readonly HeaderField field in input.Request.Fields)
        {
            if (field.Name != FieldName.Cookie) continue;
            ReadOnlySpan<byte> cookies = field.ValueRange.Of(input.Head);
            while (RequestValues.TryNextCookie(ref cookies, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
                if (name.SequenceEqual(Name) && Accepts(value, input, OffsetIn(input.Head, value))) return true;
        }

        return false;
    }

    public override string Found(in RuleInput input)
    {
        var values = new List<string>();
        foreach (ref readonly HeaderField field in input.Request.Fields)
        {
            if (field.Name != FieldName.Cookie) continue;
            ReadOnlySpan<byte> cookies = field.ValueRange.Of(input.Head);
            while (RequestValues.TryNextCookie(ref cookies, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
                if (name.SequenceEqual(Name)) values.Add(Show(value));
        }

        return All(values);
    }

    private static int OffsetIn(ReadOnlySpan<byte> head, ReadOnlySpan<byte> value) =>
        value.IsEmpty ? 0 : (int)System.Runtime.CompilerServices.Unsafe.ByteOffset(
            ref System.Runtime.InteropServices.MemoryMarshal.GetReference(head),
            ref System.Runtime.InteropServices.MemoryMarshal.GetReference(value));
}

/// <summary>A map has an answer to a question made of the request; the answer stays for templates.</summary>
internal sealed class MapCondition : Condition
{
    private readonly MapTable _map;
    private readonly Template _question;
    private readonly int _slot;

    public MapCondition(NamedTemplate map, CaptureSlots slots, RuleTables tables)
    {
        _map = tables.Map(map.Name);
        _question = new Template(map.Template, TemplateUse.Key, slots);
        _slot = slots.SlotOfMap(map.Name);
        Text = $"map {map.Name}: {map.Template}";
    }

    public override string Text { get; }

    public override bool Holds(in RuleInput input, MatchTrace? trace)
    {
        var key = new HeadBuffer(input.State.Key);
        _question.Write(ref key, input);
        if (key.Result < 0) return false;
        MapContent content = _map.Current;
        if (!content.TryFind(key.Written, out int start, out int length)) return false;
        input.State.Answer(_slot, content.Memory, start, length);
        return true;
    }

    public override string Found(in RuleInput input)
    {
        var key = new HeadBuffer(input.State.Key);
        _question.Write(ref key, input);
        return $"{Show(key.Written)} -> {(_map.Current.TryFind(key.Written, out int start, out int length) ? Show(_map.Current.Memory.AsSpan(start, length)) : "nothing")}";
    }
}

internal static class ConditionText
{
    public static string List(IEnumerable<string> values)
    {
        string[] all = [.. values];
        return all.Length == 1 ? all[0] : $"[{string.Join(", ", all)}]";
    }

    public static string Pattern(PatternKind kind, string text, PatternKind plain) => Config.Vocabulary.PatternText.Write(kind, text, plain);
}
