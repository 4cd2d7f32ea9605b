using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>One reading of one configuration: collects what is wrong, and what can only be judged when all of it was read.</summary>
/// <param name="whole">Blamed for what was not written anywhere: defaults that do not fit.</param>
internal sealed class Compilation(ConfigEnvironment environment, SourcePosition whole = default)
{
    private readonly List<ConfigDiagnostic> _errors = [];
    private readonly List<ConfigDiagnostic> _warnings = [];
    private readonly List<string> _path = [];

    public ConfigEnvironment Environment => environment;
    public int ErrorCount => _errors.Count;

    /// <summary>Pools by name with the key that names them, broken ones included: a reference to one is not a second error.</summary>
    public Dictionary<string, Mention> Pools { get; } = [];

    public List<Mention> PoolUses { get; } = [];

    /// <summary>Names of pools come at run time, too.</summary>
    public bool AnyPoolIsUsed { get; set; }

    /// <summary>TLS profiles by name, likewise.</summary>
    public Dictionary<string, Mention> TlsProfiles { get; } = [];

    public List<Mention> TlsUses { get; } = [];

    /// <summary>Entries of auth by name, broken ones included.</summary>
    public Dictionary<string, Mention> Auths { get; } = [];

    public List<Mention> AuthUses { get; } = [];
    public List<(Endpoint Endpoint, Mention Mention)> Listeners { get; } = [];

    /// <summary>Names in templates of the route being read that its conditions may explain.</summary>
    public List<Mention> OpenNames { get; } = [];

    /// <summary>Maps and address lists by name, and where rules use them.</summary>
    public Dictionary<string, Mention> Maps { get; } = [];
    public List<Mention> MapUses { get; } = [];
    public Dictionary<string, Mention> Lists { get; } = [];
    public List<Mention> ListUses { get; } = [];

    /// <summary>Those of <see cref="Listeners"/> that take datagrams: a port's datagrams and its connections do not meet.</summary>
    public HashSet<ConfigNode> Datagrams { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The addresses written in this node are listened on for datagrams.</summary>
    public void MarkDatagram(ConfigNode node)
    {
        Datagrams.Add(node);
        if (node is SequenceNode list)
            foreach (ConfigNode item in list.Items) MarkDatagram(item);
        if (node is MappingNode mapping)
            foreach (MappingEntry entry in mapping.Entries) MarkDatagram(entry.Value);
    }

    public void Enter(string name) => _path.Add(name);

    public void Leave() => _path.RemoveAt(_path.Count - 1);

    public Mention Mention(ConfigNode node, string name) => new(name, node, string.Join('.', _path));

    public void Error(ConfigNode at, string message) => _errors.Add(new ConfigDiagnostic(PositionOf(at), WithPath(message)));

    public void Warn(ConfigNode at, string message) => _warnings.Add(new ConfigDiagnostic(PositionOf(at), WithPath(message)));

    /// <summary>For what is found after reading, about something mentioned during it.</summary>
    public void Error(Mention at, string message) =>
        _errors.Add(new ConfigDiagnostic(PositionOf(at.Node), $"{at.Path}: {message}"));

    public void Warn(Mention at, string message) =>
        _warnings.Add(new ConfigDiagnostic(PositionOf(at.Node), $"{at.Path}: {message}"));

    public ConfigResult Result(Snapshot? snapshot) =>
        new(_errors.Count == 0 ? snapshot : null, Sorted(_errors), Sorted(_warnings));

    private static ImmutableArray<ConfigDiagnostic> Sorted(List<ConfigDiagnostic> diagnostics) =>
        [.. diagnostics.Distinct().OrderBy(d => d.Position.Line).ThenBy(d => d.Position.Column)];

    private SourcePosition PositionOf(ConfigNode node) => node.Position.Line > 0 ? node.Position : whole;

    private string WithPath(string message) => _path.Count == 0 ? message : $"{string.Join('.', _path)}: {message}";

    /// <summary>Something from the file, fit for a message: in quotes, without control characters, not longer than a glance.</summary>
    public static string Show(string text)
    {
        const int Glance = 60;
        var shown = new StringBuilder("\"");
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, Glance)))
        {
            if (char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format)
                shown.Append($"\\u{(int)c:x4}");
            else
                shown.Append(c);
        }

        return shown.Append(text.Length > Glance ? "...\"" : "\"").ToString();
    }
}

/// <summary>A name in the file that something else may refer to.</summary>
internal readonly record struct Mention(string Name, ConfigNode Node, string Path);
