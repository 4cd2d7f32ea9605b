namespace Mainstay.Core.Config.Vocabulary;

/// <summary>The values of one section while it is compiled.</summary>
/// <param name="shortForm">The mapping was not written, only the value of its main key: messages do not name that key.</param>
internal sealed class Values(ISection section, MappingNode mapping, Compilation compilation, bool shortForm)
{
    private readonly object?[] _values = new object?[section.Keys.Length];
    private readonly ConfigNode?[] _nodes = new ConfigNode?[section.Keys.Length];
    private readonly bool[] _broken = new bool[section.Keys.Length];

    public Compilation Compilation => compilation;
    public MappingNode Mapping => mapping;

    /// <summary>The value as written or its default; only while no key is broken.</summary>
    public T Get<TOwner, T>(Key<TOwner, T> key) => (T)_values[key.Index]!;

    /// <summary>False when the key was written but not understood: then nothing more is said about it.</summary>
    public bool TryGet<TOwner, T>(Key<TOwner, T> key, out T value)
    {
        value = _broken[key.Index] ? default! : (T)_values[key.Index]!;
        return !_broken[key.Index];
    }

    public bool IsWritten(Key key) => _nodes[key.Index] is not null;

    /// <summary>Where to point to: the key's value, or the whole section when it was left out.</summary>
    public ConfigNode At(Key key) => _nodes[key.Index] ?? mapping;

    public void Error(Key key, string message)
    {
        Enter(key);
        compilation.Error(At(key), message);
        Leave();
    }

    public void Warn(Key key, string message)
    {
        Enter(key);
        compilation.Warn(At(key), message);
        Leave();
    }

    /// <summary>Reads every key of the section; reports unknown, duplicate and missing ones.</summary>
    public void Read()
    {
        var seen = new Dictionary<string, ScalarNode>();
        foreach (MappingEntry entry in mapping.Entries)
        {
            if (seen.TryGetValue(entry.Key.Text, out ScalarNode? first))
            {
                compilation.Error(entry.Key, $"duplicate key {Compilation.Show(entry.Key.Text)} (first on line {first.Position.Line})");
                continue;
            }

            seen.Add(entry.Key.Text, entry.Key);
            if (Find(entry.Key.Text) is { } key) ReadKey(key, entry.Value);
            else ReportUnknown(entry.Key);
        }

        foreach (Key key in section.Keys)
        {
            if (_nodes[key.Index] is null) TakeDefault(key);
            else CheckCompany(key);
        }

        CheckOneOf();
    }

    private void Enter(Key key)
    {
        if (!shortForm) compilation.Enter(key.Name);
    }

    private void Leave()
    {
        if (!shortForm) compilation.Leave();
    }

    private Key? Find(string name)
    {
        foreach (Key key in section.Keys)
        {
            if (key.Name == name) return key;
        }

        return null;
    }

    private void ReadKey(Key key, ConfigNode node)
    {
        Enter(key);
        _nodes[key.Index] = node;
        _broken[key.Index] = !key.TryRead(node, compilation, out _values[key.Index]);
        Leave();
    }

    private void ReportUnknown(ScalarNode key)
    {
        if (section.Later.Contains(key.Text))
        {
            compilation.Error(key, $"{key.Text} is not available in this version (remove it)");
            return;
        }

        string[] known = [.. section.Keys.Select(k => k.Name)];
        compilation.Error(key, $"unknown key {Compilation.Show(key.Text)} ({Suggestion.Hint(key.Text, known)})");
    }

    private void TakeDefault(Key key)
    {
        if (key.Required)
        {
            compilation.Error(mapping, $"{key.Name} is missing ({key.ValueType.Expected})");
            _broken[key.Index] = true;
            return;
        }

        _values[key.Index] = key.Absent(compilation);
    }

    private void CheckCompany(Key key)
    {
        if (key.OnlyWith.Length == 0 || key.OnlyWith.Any(name => mapping.Find(name) is not null)) return;
        Error(key, $"does not apply here (only with {string.Join(", ", key.OnlyWith)})");
    }

    private void CheckOneOf()
    {
        if (section.OneOf.IsEmpty) return;
        Key[] written = [.. section.OneOf.Where(IsWritten)];
        if (written.Length == 1) return;
        string choices = string.Join(", ", section.OneOf.Select(k => k.Name));
        if (written.Length == 0)
            compilation.Error(mapping, $"nothing is chosen (exactly one of {choices})");
        else
            Error(written[1], $"{written[0].Name} is already there (exactly one of {choices})");
    }
}
