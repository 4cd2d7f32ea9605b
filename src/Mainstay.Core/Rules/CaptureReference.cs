using System.Globalization;

namespace Mainstay.Core.Rules;

/// <summary>Which conditions have texts that groups are taken from.</summary>
internal enum CaptureField : byte
{
    /// <summary>Wherever the group's name occurs.</summary>
    Any,
    Path,
    Host,
    Header,
    Cookie,

    /// <summary>The path, in the expression of a replacement.</summary>
    Replace,
}

/// <summary>
/// A group as templates name it: <c>{1}</c> (the path's), <c>{path.1}</c>, <c>{host.1}</c>, <c>{header.X-Lang.1}</c>, <c>{cookie.id.1}</c>, or by its
/// name <c>{lang}</c>.
/// </summary>
/// <param name="Name">Of the header or cookie; empty else.</param>
/// <param name="Number">0 = by name.</param>
/// <param name="Group">The name; empty = by number.</param>
internal readonly record struct CaptureReference(CaptureField Field, string Name, int Number, string Group)
{
    private static readonly (string Prefix, CaptureField Field, bool Named)[] s_prefixes =
    [
        ("path.", CaptureField.Path, false),
        ("host.", CaptureField.Host, false),
        ("header.", CaptureField.Header, true),
        ("cookie.", CaptureField.Cookie, true),
    ];

    /// <summary>Names a group by its number.</summary>
    public static bool IsExplicit(string text) => Parse(text) is { Number: > 0 };

    public static CaptureReference Parse(string text)
    {
        if (TryNumber(text, out int number)) return new CaptureReference(CaptureField.Path, "", number, "");
        int dot = text.LastIndexOf('.');
        if (dot > 0 && TryNumber(text.AsSpan(dot + 1), out number))
        {
            foreach ((string prefix, CaptureField field, bool named) in s_prefixes)
            {
                if (!text.StartsWith(prefix, StringComparison.Ordinal)) continue;
                string name = named && dot > prefix.Length ? text[prefix.Length..dot] : "";
                if (named == name.Length > 0 && (named || dot == prefix.Length - 1)) return new CaptureReference(field, name, number, "");
            }
        }

        return new CaptureReference(CaptureField.Any, "", 0, text);
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is > 0 and < 100;
}
