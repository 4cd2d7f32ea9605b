using System.Collections.Immutable;

namespace Mainstay.Core.Config;

/// <summary>One thing wrong with a configuration, or doubtful about it.</summary>
/// <param name="Message">What is wrong and, in parentheses, what would be right. Escaped: safe to print.</param>
public sealed record ConfigDiagnostic(SourcePosition Position, string Message)
{
    public override string ToString() => $"{Position.File}:{Position.Line}:{Position.Column}: {Message}";
}

/// <param name="Snapshot">Null when there are errors.</param>
/// <param name="Errors">All of them, in the order of the file.</param>
/// <param name="Warnings">What is allowed but probably not meant.</param>
public sealed record ConfigResult(
    Snapshot? Snapshot, ImmutableArray<ConfigDiagnostic> Errors, ImmutableArray<ConfigDiagnostic> Warnings);
