using System.Text;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>An HTTP message as a peer saw it, read by a parser that shares nothing with the one under test.</summary>
internal sealed record Message(string StartLine, IReadOnlyList<(string Name, string Value)> Fields, byte[] Body, string Trailers)
{
    public int Status => int.Parse(StartLine.Split(' ')[1]);

    public string Text => Encoding.Latin1.GetString(Body);

    /// <summary>The values of a field, joined by commas; null when there is none.</summary>
    public string? this[string name]
    {
        get
        {
            var values = Fields.Where(pair => pair.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(pair => pair.Value).ToList();
            return values.Count == 0 ? null : string.Join(", ", values);
        }
    }

    /// <summary>Everything but what differs from run to run, for comparing two runs.</summary>
    public string Essence
    {
        get
        {
            string[] varying = ["date", "x-request-id", "x-forwarded-for", "forwarded"];
            IEnumerable<string> fields =
                from pair in Fields
                where !varying.Contains(pair.Name.ToLowerInvariant())
                select $"{pair.Name}: {pair.Value}";
            return $"{StartLine}\n{string.Join('\n', fields)}\n\n{Text}\n{Trailers}";
        }
    }
}
