using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Config.Vocabulary;
using Mainstay.Core.Http;
using Mainstay.Core.Rules.Captures;
using Mainstay.Core.Rules.Conditions;

namespace Mainstay.Core.Rules;

/// <summary>
/// Changes path and query of a request, compiled. It starts from the path as rules see it, so that what a server gets of a rewritten
/// path is normalised and encoded anew. Used by one thread, as its route table is.
/// </summary>
internal sealed class TargetRewrite
{
    private readonly byte[] _strip;
    private readonly byte[] _add;
    private readonly Template? _path;
    private readonly (TextPattern Pattern, Template Value)[] _replace;
    private readonly byte[][] _queryDropped;
    private readonly (byte[] Name, Template Value)[] _queryWritten;

    public TargetRewrite(RewriteSnapshot rewrite, CaptureSlots slots)
    {
        _strip = Encoding.UTF8.GetBytes(rewrite.StripPrefix);
        _add = Encoding.ASCII.GetBytes(rewrite.AddPrefix.TrimEnd('/'));
        _path = rewrite.Path.Length == 0 ? null : new Template(rewrite.Path, TemplateUse.Location, slots);
        _replace = [.. rewrite.Replace.Select((replace, i) => Compile(replace, i, slots))];
        _queryDropped = [.. rewrite.QueryRemove.Concat(rewrite.QuerySet.Select(set => set.Name)).Select(Encoding.UTF8.GetBytes)];
        _queryWritten = [.. rewrite.QuerySet.Concat(rewrite.QueryAdd).Select(
            set => (Encoding.UTF8.GetBytes(set.Name), new Template(set.Template, TemplateUse.Parameter, slots)))];
    }

    /// <summary>Whether anything but the host changes.</summary>
    public static bool ChangesTarget(RewriteSnapshot r) => r.StripPrefix.Length + r.AddPrefix.Length + r.Path.Length
        + r.Replace.Length + r.QueryRemove.Length + r.QuerySet.Length + r.QueryAdd.Length > 0;

    /// <summary>Writes the new target in origin form.</summary>
    /// <returns>False: the path became one that servers read differently, for <paramref name="reason"/>.</returns>
    public bool TryWrite(ref HeadBuffer buffer, in RuleInput input, out RejectReason reason)
    {
        reason = RejectReason.None;
        (Span<byte> first, Span<byte> second) = input.State.RewriteScratch;
        var target = new HeadBuffer(first);
        WriteTarget(ref target, input);
        if (target.Result < 0)
        {
            reason = RejectReason.RequestLineTooLong;
            return false;
        }

        ReadOnlySpan<byte> written = target.Written;
        int mark = written.IndexOf((byte)'?');
        ReadOnlySpan<byte> path = mark < 0 ? written : written[..mark];
        if (!PathNormalizer.TryNormalize(path, second, out ReadOnlySpan<byte> normalized, out reason)) return false;
        ValueEncodings.Write(ref buffer, normalized, ValueEncoding.Path);
        WriteQuery(ref buffer, mark < 0 ? input.Request.Query.Of(input.Head) : written[(mark + 1)..], input);
        return true;
    }

    private static (TextPattern Pattern, Template Value) Compile(NamedTemplate replace, int number, CaptureSlots slots)
    {
        PatternText.Parse(replace.Name, PatternKind.Exact, out PatternKind kind, out string expression);
        CaptureScope scope = CaptureProgram.TryCompile(expression, kind == PatternKind.RegexIgnoreCase, out CaptureProgram program, out _)
            ? new CaptureScope($"replace#{number}", program)
            : default;
        var value = new Template(replace.Template, TemplateUse.Location, slots, scope);
        return (new TextPattern(kind, expression, slots, CaptureField.Replace, $"replace#{number}"), value);
    }

    /// <summary>Path, and a query where a template has one.</summary>
    private void WriteTarget(ref HeadBuffer target, in RuleInput input)
    {
        target.Write(_add);
        int start = StripLength(input.Path);
        ReadOnlySpan<byte> path = start == input.Path.Length ? "/"u8 : input.Path[start..];
        int begin = target.Result;
        if (_path is not null)
        {
            _path.Write(ref target, input);
        }
        else
        {
            foreach ((TextPattern pattern, Template value) in _replace)
            {
                // "/" that stands for an empty rest is found at the path's start too.
                if (!pattern.Matches(path, input.State, CaptureSource.Path, start == input.Path.Length ? 0 : start)) continue;
                value.Write(ref target, input);
                return;
            }

            ValueEncodings.Write(ref target, path, ValueEncoding.Path);
        }

        if (target.Result == begin) target.Write("/"u8);
    }

    /// <summary>Where the path goes on behind the prefix, with its slash; 0 where it does not begin with it.</summary>
    private int StripLength(ReadOnlySpan<byte> path)
    {
        if (_strip.Length == 0 || !path.StartsWith(_strip)) return 0;
        if (_strip[^1] == '/') return _strip.Length - 1;
        return path.Length == _strip.Length || path[_strip.Length] == '/' ? _strip.Length : 0;
    }

    private void WriteQuery(ref HeadBuffer buffer, ReadOnlySpan<byte> query, in RuleInput input)
    {
        byte separator = (byte)'?';
        if (_queryDropped.Length == 0 && !query.IsEmpty)
        {
            buffer.Write("?"u8);
            ValueEncodings.Write(ref buffer, query, ValueEncoding.Url);
            separator = (byte)'&';
        }

        while (_queryDropped.Length > 0 && RequestValues.TryNextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (IsDropped(RequestValues.DecodeParameter(name, input.State.Bytes))) continue;
            buffer.Write([separator]);
            ValueEncodings.Write(ref buffer, name, ValueEncoding.Url);
            if (!value.IsEmpty) buffer.Write("="u8);
            ValueEncodings.Write(ref buffer, value, ValueEncoding.Url);
            separator = (byte)'&';
        }

        foreach ((byte[] name, Template value) in _queryWritten)
        {
            buffer.Write([separator]);
            ValueEncodings.Write(ref buffer, name, ValueEncoding.Component);
            buffer.Write("="u8);
            value.Write(ref buffer, input);
            separator = (byte)'&';
        }
    }

    private bool IsDropped(ReadOnlySpan<byte> name)
    {
        foreach (byte[] dropped in _queryDropped)
            if (name.SequenceEqual(dropped)) return true;
        return false;
    }
}
