using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>A file by its absolute path; whether it is there and right is for the machine to say, at this place.</summary>
internal sealed class FileType(string example) : ScalarType<FileReference>
{
    public override string Label => "path";
    public override string Expected => $"an absolute path such as {example}";

    public override ConfigNode Write(FileReference value, WriteOptions options) => new ScalarNode(value.Path, quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^/" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out FileReference value)
    {
        value = new FileReference(scalar.Text, scalar.Position);
        bool valid = scalar.Text.Length < 4096 && scalar.Text.StartsWith('/') && !scalar.Text.Any(char.IsControl);
        return valid ? null : $"{Compilation.Show(scalar.Text)} is not an absolute path ({Expected})";
    }
}
