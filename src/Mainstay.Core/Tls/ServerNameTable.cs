using System.Collections.Immutable;
using System.Text;

namespace Mainstay.Core.Tls;

/// <summary>
/// Which of several certificates a name is for: exact names and wildcards that stand for exactly one label (RFC 6125 section 6.4.3).
/// Immutable; a lookup allocates nothing.
/// </summary>
public sealed class ServerNameTable
{
    public const int None = -1;

    /// <summary>Longest name that can be asked for (RFC 1035 section 2.3.4).</summary>
    private const int LongestName = 255;

    private readonly Dictionary<string, int> _exact = new(StringComparer.Ordinal);

    /// <summary>By what stands behind "*.".</summary>
    private readonly Dictionary<string, int> _wildcard = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _byParent;

    /// <param name="names">By number: "www.example.com", "*.example.com". Of equal ones the first counts.</param>
    public ServerNameTable(IEnumerable<(string Name, int Number)> names)
    {
        foreach ((string name, int number) in names)
        {
            string canonical = Canonical(name);
            if (canonical.StartsWith("*.", StringComparison.Ordinal)) _wildcard.TryAdd(canonical[2..], number);
            else _exact.TryAdd(canonical, number);
        }

        _byName = _exact.GetAlternateLookup<ReadOnlySpan<char>>();
        _byParent = _wildcard.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Every name, wildcards with their star.</summary>
    public ImmutableArray<string> Names => [.. _exact.Keys, .. _wildcard.Keys.Select(parent => $"*.{parent}")];

    /// <summary>The number for a name as a client sends it, or <see cref="None"/>.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > LongestName) return None;
        Span<char> text = stackalloc char[LongestName];
        if (name.Length > 1 && name[^1] == '.') name = name[..^1];
        if (Ascii.ToUtf16(name, text, out int length) != System.Buffers.OperationStatus.Done) return None;
        return Find(text[..length]);
    }

    private int Find(Span<char> name)
    {
        for (int i = 0; i < name.Length; i++) name[i] = char.ToLowerInvariant(name[i]);
        if (_byName.TryGetValue(name, out int number)) return number;
        int dot = name.IndexOf('.');
        return dot > 0 && _byParent.TryGetValue(name[(dot + 1)..], out number) ? number : None;
    }

    public int Find(string name) => Find(Encoding.ASCII.GetBytes(name));

    private static string Canonical(string name) => name.ToLowerInvariant().TrimEnd('.');
}
