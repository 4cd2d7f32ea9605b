using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>What a value may look like, for everything that does not need to know what it is read into: schema and reference.</summary>
internal abstract class ConfigType
{
    /// <summary>Short, for the reference: "duration".</summary>
    public abstract string Label { get; }

    /// <summary>For messages: "a duration such as 500ms, 1s, 5m or 1h".</summary>
    public abstract string Expected { get; }

    /// <summary>JSON Schema (draft 2020-12) of the value as a YAML 1.2 parser presents it.</summary>
    public abstract JsonObject Schema();

    /// <summary>The section inside this type, when it is one, a list of them or a mapping to them.</summary>
    public virtual ISection? AsSection => null;
}

/// <summary>A type of value in the configuration: how it is read, written back and described, all in one place.</summary>
internal abstract class ConfigType<T> : ConfigType
{
    /// <summary>False after at least one error was reported to <paramref name="compilation"/>.</summary>
    public abstract bool TryRead(ConfigNode node, Compilation compilation, out T value);

    /// <summary>A node that reads back as the same value.</summary>
    public abstract ConfigNode Write(T value, WriteOptions options);
}

/// <param name="Defaults">Write keys at their defaults too.</param>
internal sealed record WriteOptions(ConfigEnvironment Environment, bool Defaults);

/// <summary>A type whose values are one scalar.</summary>
internal abstract class ScalarType<T> : ConfigType<T>
{
    public sealed override bool TryRead(ConfigNode node, Compilation compilation, out T value)
    {
        value = default!;
        if (node is not ScalarNode scalar || scalar.IsNull)
        {
            compilation.Error(node, $"{node.Form} where {Expected} is due{QuoteHint(node)}");
            return false;
        }

        string? problem = Parse(scalar, compilation, out value);
        if (problem is not null) compilation.Error(node, problem);
        return problem is null;
    }

    /// <summary>Null when it was understood, else the whole message.</summary>
    protected abstract string? Parse(ScalarNode scalar, Compilation compilation, out T value);

    protected string NotExpected(ScalarNode scalar) => $"{Compilation.Show(scalar.Text)} is not {Expected}";

    /// <summary>What YAML makes of some values that people write without quotes.</summary>
    private static string QuoteHint(ConfigNode node) => node switch
    {
        SequenceNode => " (in quotes, if it starts with a bracket)",
        MappingNode => " (in quotes, if it contains \": \" or starts with a brace)",
        _ => "",
    };
}

/// <summary>A reference-typed value that may be absent; absent is null and never written.</summary>
internal sealed class OptionalType<T>(ConfigType<T> inner) : ConfigType<T?>
    where T : class
{
    public override string Label => inner.Label;
    public override string Expected => inner.Expected;
    public override ISection? AsSection => inner.AsSection;

    public override bool TryRead(ConfigNode node, Compilation compilation, out T? value)
    {
        bool read = inner.TryRead(node, compilation, out T result);
        value = result;
        return read;
    }

    public override ConfigNode Write(T? value, WriteOptions options) => inner.Write(value!, options);

    public override JsonObject Schema() => inner.Schema();
}

/// <summary>A value-typed value that may be absent; absent is null and never written.</summary>
internal sealed class OptionalValueType<T>(ConfigType<T> inner) : ConfigType<T?>
    where T : struct
{
    public override string Label => inner.Label;
    public override string Expected => inner.Expected;
    public override ISection? AsSection => inner.AsSection;

    public override bool TryRead(ConfigNode node, Compilation compilation, out T? value)
    {
        bool read = inner.TryRead(node, compilation, out T result);
        value = result;
        return read;
    }

    public override ConfigNode Write(T? value, WriteOptions options) => inner.Write(value!.Value, options);

    public override JsonObject Schema() => inner.Schema();
}
