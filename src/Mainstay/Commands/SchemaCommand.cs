using Mainstay.Core.Config;

namespace Mainstay.Commands;

/// <summary><c>mainstay schema</c>: the configuration's vocabulary as JSON Schema, or as the tables of docs/configuration.md.</summary>
internal static class SchemaCommand
{
    public static int Run(bool markdown, TextWriter output)
    {
        output.Write(markdown ? ConfigReference.Write() : ConfigSchema.Write());
        return 0;
    }
}
