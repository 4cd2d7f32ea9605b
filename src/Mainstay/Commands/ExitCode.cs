namespace Mainstay.Commands;

/// <summary>What every command ends with.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The question was understood; the answer is no.</summary>
    public const int No = 1;

    public const int WrongUse = 2;

    /// <summary>The daemon cannot be reached.</summary>
    public const int Unreachable = 3;
}
