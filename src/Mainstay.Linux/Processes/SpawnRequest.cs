namespace Mainstay.Linux.Processes;

/// <summary>A program to start.</summary>
public sealed record SpawnRequest
{
    /// <summary>Path of the program; PATH is not searched.</summary>
    public required string Path { get; init; }

    /// <summary>All arguments, the program's own name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment, NAME=value.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>
    /// What the child gets as which descriptor. 0, 1 and 2 that are not named are inherited; all other descriptors are closed. The
    /// caller keeps its own ones and closes them.
    /// </summary>
    public IReadOnlyList<DescriptorMapping> Descriptors { get; init; } = [];

    /// <summary>
    /// The child leads a process group of its own: <see cref="ChildProcess.SignalGroup"/> reaches its descendants, and the
    /// terminal's Ctrl-C does not reach it.
    /// </summary>
    public bool OwnGroup { get; init; }

    /// <summary>This process's environment with some variables set, as <see cref="Environment"/> wants it.</summary>
    public static List<string> CurrentEnvironment(params ReadOnlySpan<(string Name, string Value)> changes)
    {
        var variables = new List<string>();
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            bool isChanged = false;
            foreach ((string name, _) in changes) isChanged |= name == (string)entry.Key;
            if (!isChanged) variables.Add($"{entry.Key}={entry.Value}");
        }

        foreach ((string name, string value) in changes) variables.Add($"{name}={value}");
        return variables;
    }
}

/// <param name="Source">A descriptor of this process, or <see cref="DevNull"/>.</param>
/// <param name="Target">Its number in the child.</param>
public readonly record struct DescriptorMapping(int Source, int Target)
{
    /// <summary>The child gets /dev/null.</summary>
    public const int DevNull = -1;
}
