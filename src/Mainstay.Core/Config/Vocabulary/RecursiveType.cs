using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>A type that contains itself: looked up when it is needed, and by its name in the schema.</summary>
/// <param name="name">In the schema's definitions.</param>
internal sealed class RecursiveType<T>(string name, Func<ConfigType<T>> inner) : ConfigType<T>
{
    public override string Label => inner().Label;
    public override string Expected => inner().Expected;
    public override ISection? AsSection => inner().AsSection;

    public override bool TryRead(ConfigNode node, Compilation compilation, out T value) => inner().TryRead(node, compilation, out value);

    public override ConfigNode Write(T value, WriteOptions options) => inner().Write(value, options);

    public override JsonObject Schema() => new() { ["$ref"] = $"#/$defs/{name}" };
}
