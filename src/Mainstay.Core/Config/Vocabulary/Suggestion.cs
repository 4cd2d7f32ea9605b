namespace Mainstay.Core.Config.Vocabulary;

/// <summary>The nearest known word to one that is not known.</summary>
internal static class Suggestion
{
    /// <summary>Longer words are never slips of a known one, and the distance costs time by length squared.</summary>
    private const int LongestWord = 64;

    /// <summary>The nearest candidate, or null when none is near enough that it could have been meant.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        if (word.Length is 0 or > LongestWord) return null;
        string? best = null;
        int bestDistance = int.MaxValue;
        foreach (string candidate in candidates)
        {
            if (candidate.Length > LongestWord) continue;
            int distance = Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < bestDistance) (best, bestDistance) = (candidate, distance);
        }

        // A third of the letters wrong is a slip, more is another word; of very short words one letter.
        return best is not null && bestDistance <= Math.Max(1, Math.Max(word.Length, best.Length) / 3) ? best : null;
    }

    /// <summary>Ready for the end of a message: the suggestion, or all candidates when there is none and they are few.</summary>
    public static string Hint(string word, IReadOnlyCollection<string> candidates)
    {
        if (Nearest(word, candidates) is { } nearest) return $"did you mean {Compilation.Show(nearest)}?";
        const int Few = 40;
        if (candidates.Count == 0) return "there is none";
        string list = string.Join(", ", candidates.Take(Few));
        return candidates.Count > Few ? $"known: {list}, ..." : $"known: {list}";
    }

    /// <summary>Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).</summary>
    internal static int Distance(string a, string b)
    {
        int[] beforePrevious = new int[b.Length + 1], previous = new int[b.Length + 1], current = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++) previous[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(Math.Min(previous[j], current[j - 1]) + 1, replace);
                bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if (swapped) current[j] = Math.Min(current[j], beforePrevious[j - 2] + 1);
            }

            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }

        return previous[b.Length];
    }
}
