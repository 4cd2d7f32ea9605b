using System.Collections.Immutable;
using System.Text;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>What the answer to a check has to be; null = not written.</summary>
internal sealed record Expectation(
    ImmutableArray<byte>? Text, ImmutableArray<(int From, int To)>? Status, string? Body, string? Matches);

internal static class ExpectSection
{
    private static readonly Key<Expectation, ImmutableArray<byte>?> Text = new(
        "text", new OptionalValueType<ImmutableArray<byte>>(BytesType.Instance), e => e.Text)
    {
        Doc = "For tcp and udp: what the answer contains. For dns: the text of one of the records.",
    };

    private static readonly Key<Expectation, ImmutableArray<(int From, int To)>?> Status = new(
        "status",
        new OptionalValueType<ImmutableArray<(int From, int To)>>(
            new ListType<(int From, int To)>(StatusRangeType.Instance) { Single = true, AtLeast = 1 }),
        e => e.Status)
    {
        Doc = "For http and https: the status codes that are good.",
        Otherwise = "200-399",
    };

    private static readonly Key<Expectation, string?> Body = new(
        "body", new OptionalType<string>(new SourcedTextType(secret: true, NotEmpty)), e => e.Body)
    {
        Doc = "For http and https: text that the body contains.",
    };

    private static readonly Key<Expectation, string?> Matches = new(
        "matches", new OptionalType<string>(new TextType("regular expression", "a regular expression", Regex)), e => e.Matches)
    {
        Doc = "For http and https: a regular expression that the body matches.",
    };

    public static readonly Section<Expectation> Section = new(
        "pools.NAME.check.expect", [Status, Body, Matches, Text], v => new Expectation(v.Get(Text), v.Get(Status), v.Get(Body), v.Get(Matches)))
    {
        Doc = "What the answer has to be. For tcp, udp and dns the text alone will do.",
        Shorthand = Text,
    };

    /// <summary>Null when nothing differs from what is expected anyway.</summary>
    public static Expectation? Of(CheckSnapshot check)
    {
        Expectation expected = check.Kind switch
        {
            CheckKind.Http or CheckKind.Https => new(
                null, check.Status.SequenceEqual([(200, 399)]) ? null : check.Status, check.BodyContains, check.BodyMatches),
            CheckKind.Dns => new(check.Answer is null ? null : [.. Encoding.UTF8.GetBytes(check.Answer)], null, null, null),
            CheckKind.Tcp or CheckKind.Udp => new(check.Expect.IsEmpty ? null : check.Expect, null, null, null),
            _ => new(null, null, null, null),
        };
        return expected == new Expectation(null, null, null, null) ? null : expected;
    }

    private static string? NotEmpty(string text) => text.Length == 0 ? "the text is empty (leave the key out)" : null;

    private static string? Regex(string text) => LinearRegex.Check(text, ignoreCase: false);
}
