namespace Mainstay.Core.Config.Vocabulary;

/// <summary>One key of the configuration, described once: reading, suggestion, schema, reference, writing and diff use this.</summary>
internal abstract class Key(string name)
{
    public string Name => name;

    /// <summary>What it does, in a sentence or two.</summary>
    public required string Doc { get; init; }

    /// <summary>What holds when the key is left out, as it would be written; null when there is no such value.</summary>
    public ConfigNode? Default { get; init; }

    /// <summary>What holds when the key is left out, in words, where <see cref="Default"/> cannot say it.</summary>
    public string? Otherwise { get; init; }

    public bool Required { get; init; }

    /// <summary>Only together with one of these keys; empty = always.</summary>
    public string[] OnlyWith { get; init; } = [];

    /// <summary>The first sentence of <see cref="Doc"/>.</summary>
    public string Summary => Doc.IndexOf(". ", StringComparison.Ordinal) is > 0 and int end ? Doc[..(end + 1)] : Doc;

    /// <summary>Position in its section.</summary>
    internal int Index { get; set; }

    public abstract ConfigType ValueType { get; }

    internal abstract bool TryRead(ConfigNode node, Compilation compilation, out object? value);

    /// <summary>The value when the key is left out.</summary>
    internal abstract object? Absent(Compilation compilation);

    public static ConfigNode Plain(string text) => new ScalarNode(text);

    public static readonly ConfigNode EmptyMapping = new MappingNode([]);
    public static readonly ConfigNode EmptyList = new SequenceNode([]);
}

/// <typeparam name="TOwner">What the section is compiled to.</typeparam>
/// <typeparam name="T">What the value is compiled to; nullable when it may be absent.</typeparam>
internal sealed class Key<TOwner, T>(string name, ConfigType<T> type, Func<TOwner, T> get) : Key(name), IWritable<TOwner>
{
    /// <summary>A default that depends on machine or user.</summary>
    public Func<ConfigEnvironment, T>? DefaultFrom { get; init; }

    public override ConfigType ValueType => type;

    internal override bool TryRead(ConfigNode node, Compilation compilation, out object? value)
    {
        bool read = type.TryRead(node, compilation, out T typed);
        value = typed;
        return read;
    }

    internal override object? Absent(Compilation compilation) => AbsentValue(compilation);

    private T AbsentValue(Compilation compilation)
    {
        if (DefaultFrom is not null) return DefaultFrom(compilation.Environment);
        if (Default is null) return default!;
        if (!type.TryRead(Default, compilation, out T value))
            throw new InvalidOperationException($"The default of {Name} in the vocabulary is not valid.");
        return value;
    }

    /// <summary>Null: left out, because it is absent or at its default.</summary>
    public ConfigNode? Write(TOwner owner, WriteOptions options)
    {
        T value = get(owner);
        if (value is null) return null;
        ConfigNode written = type.Write(value, options);
        if (options.Defaults || Required) return written;
        T absent = AbsentValue(new Compilation(options.Environment));
        return absent is not null && ConfigNode.ContentEquals(written, type.Write(absent, options)) ? null : written;
    }

    Key IWritable<TOwner>.Key => this;
}

/// <summary>A key seen from its owner, whatever the value's type.</summary>
internal interface IWritable<TOwner>
{
    Key Key { get; }

    ConfigNode? Write(TOwner owner, WriteOptions options);
}
