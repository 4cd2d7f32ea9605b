using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tls;

namespace Mainstay.Core.Tcp;

/// <summary>What a client has said so far.</summary>
public readonly ref struct FirstBytes
{
    public FirstBytes(ReadOnlySpan<byte> bytes)
        : this(bytes, ClientHelloResult.NotTls, default)
    {
    }

    public FirstBytes(ReadOnlySpan<byte> bytes, ClientHelloResult result, ClientHello hello)
    {
        Bytes = bytes;
        HelloResult = result;
        Hello = hello;
    }

    public ReadOnlySpan<byte> Bytes { get; }
    public ClientHelloResult HelloResult { get; }

    /// <summary>Only when it was found.</summary>
    public ClientHello Hello { get; }
}

/// <summary>
/// A service's rules. They are tried in order, and a rule that cannot be judged yet makes the ones behind it wait: the answer is the same
/// however the bytes come in. Immutable; shared by all shards.
/// </summary>
public sealed class FlowRoutes
{
    /// <summary>No rule matches.</summary>
    public const int None = -1;

    /// <summary>It depends on bytes that have not come yet.</summary>
    public const int NeedMore = -2;

    private readonly Rule[] _rules;

    public FlowRoutes(ImmutableArray<TcpRouteSnapshot> routes)
    {
        _rules = [.. routes.Select(route => new Rule(route.Match))];
        NeedsBytes = routes.Any(route => route.Match.NeedsBytes);
        NeedsHello = routes.Any(route => route.Match.NeedsHello);
    }

    public bool NeedsBytes { get; }
    public bool NeedsHello { get; }

    /// <summary>The index of the first rule that matches, or <see cref="None"/> or <see cref="NeedMore"/>.</summary>
    /// <param name="isFinal">No more bytes will come: what they would have to say does not match.</param>
    public int Find(NetAddress source, in FirstBytes first, bool isFinal)
    {
        for (int i = 0; i < _rules.Length; i++)
        {
            Verdict verdict = _rules[i].Judge(source, first);
            if (verdict == Verdict.Yes) return i;
            if (verdict == Verdict.Open && !isFinal) return NeedMore;
        }

        return None;
    }

    private enum Verdict
    {
        No,
        Yes,
        Open,
    }

    private sealed class Rule(TcpMatch match)
    {
        private const RegexOptions Options =
            RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline;

        private readonly (byte[] Name, bool IsWildcard)[] _names =
            [.. match.Sni.Where(host => !host.IsRegex).Select(host => (Encoding.ASCII.GetBytes(host.Suffix), host.Wildcard))];

        private readonly Regex[] _expressions = [.. match.Sni.Where(host => host.IsRegex).Select(host => new Regex(host.Suffix, Options))];
        private readonly byte[][] _protocols = [.. match.Alpn.Select(Encoding.ASCII.GetBytes)];
        private readonly byte[][] _prefixes = [.. match.Prefix.Select(prefix => prefix.ToArray())];

        public Verdict Judge(NetAddress source, in FirstBytes first)
        {
            if (!match.Source.IsEmpty && !Contains(source)) return Verdict.No;
            Verdict prefix = _prefixes.Length == 0 ? Verdict.Yes : JudgePrefix(first.Bytes);
            if (prefix == Verdict.No || !match.NeedsHello) return prefix;
            if (first.HelloResult == ClientHelloResult.NeedMore) return Verdict.Open;
            if (first.HelloResult != ClientHelloResult.Found) return Verdict.No;
            if (!match.Sni.IsEmpty && !HasName(first.Hello.ServerName)) return Verdict.No;
            return _protocols.Length > 0 && !HasProtocol(first.Hello) ? Verdict.No : prefix;
        }

        private bool Contains(NetAddress source)
        {
            foreach (AddressRange range in match.Source)
                if (range.Contains(source)) return true;
            return false;
        }

        private Verdict JudgePrefix(ReadOnlySpan<byte> bytes)
        {
            bool isOpen = false;
            foreach (byte[] prefix in _prefixes)
            {
                int common = Math.Min(prefix.Length, bytes.Length);
                if (!bytes[..common].SequenceEqual(prefix.AsSpan(0, common))) continue;
                if (common == prefix.Length) return Verdict.Yes;
                isOpen = true;
            }

            return isOpen ? Verdict.Open : Verdict.No;
        }

        private bool HasName(ReadOnlySpan<byte> name)
        {
            foreach ((byte[] expected, bool isWildcard) in _names)
            {
                if (!isWildcard && Ascii.EqualsIgnoreCase(name, expected)) return true;
                int dot = name.Length - expected.Length - 1;
                if (isWildcard && dot > 0 && name[dot] == '.' && Ascii.EqualsIgnoreCase(name[(dot + 1)..], expected)) return true;
            }

            return _expressions.Length > 0 && MatchesExpression(name);
        }

        private bool MatchesExpression(ReadOnlySpan<byte> name)
        {
            // A ClientHello's name has at most 255 bytes.
            Span<char> chars = stackalloc char[255];
            chars = chars[..Encoding.Latin1.GetChars(name, chars)];
            foreach (Regex expression in _expressions)
                if (expression.IsMatch(chars)) return true;
            return false;
        }

        private bool HasProtocol(in ClientHello hello)
        {
            foreach (byte[] protocol in _protocols)
                if (hello.Offers(protocol)) return true;
            return false;
        }
    }
}
