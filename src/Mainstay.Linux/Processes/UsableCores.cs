using System.Globalization;
using System.Numerics;

namespace Mainstay.Linux.Processes;

/// <summary>The cores this process may keep busy: its CPU affinity, bounded by the CPU quota of its cgroup (version 2).</summary>
public static unsafe class UsableCores
{
    // 8192 CPUs: the largest NR_CPUS of mainline.
    private const int MaskBytes = 1024;

    /// <summary>
    /// Numbers of the cores to pin one busy thread each to, at least one. A quota of 1.5 cores counts as two: the second one is
    /// throttled rather than half a core left unused.
    /// </summary>
    public static int[] Find() => Find("/proc/self/cgroup", "/sys/fs/cgroup");

    /// <summary>Keeps the calling thread on one core. False when the kernel refuses (the affinity has changed since).</summary>
    public static bool PinThread(int core)
    {
        byte* mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        mask[core / 8] = (byte)(1 << (core % 8));
        return Libc.SetAffinity(0, MaskBytes, mask) == 0;
    }

    internal static int[] Find(string membership, string mount)
    {
        List<int> allowed = Affinity();
        double quota = Quota(membership, mount);
        int count = quota >= allowed.Count ? allowed.Count : Math.Max(1, (int)Math.Ceiling(quota));
        return [.. allowed.Take(count)];
    }

    /// <summary>The smallest quota from the process's cgroup up to the root, in cores; infinite when none is set.</summary>
    internal static double Quota(string membership, string mount)
    {
        string? path = ReadLines(membership).FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        double quota = double.PositiveInfinity;
        while (path is not null)
        {
            foreach (string line in ReadLines(mount + path.TrimEnd('/') + "/cpu.max")) quota = Math.Min(quota, ParseQuota(line));
            path = path == "/" ? null : Path.GetDirectoryName(path);
        }

        return quota;
    }

    /// <summary>"150000 100000" is 1.5 cores, "max 100000" no limit (cgroup-v2.rst, cpu.max).</summary>
    private static double ParseQuota(string line)
    {
        string[] words = line.Split(' ');
        return words.Length == 2
            && double.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out double quota)
            && double.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out double period)
            && period > 0
                ? quota / period
                : double.PositiveInfinity;
    }

    private static List<int> Affinity()
    {
        byte* mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        var cores = new List<int>();
        if (Libc.GetAffinity(0, MaskBytes, mask) < 0) return [0];
        for (int i = 0; i < MaskBytes; i++)
        {
            for (byte bits = mask[i]; bits != 0; bits &= (byte)(bits - 1)) cores.Add(i * 8 + BitOperations.TrailingZeroCount(bits));
        }

        return cores;
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No cgroup version 2 here, or the root cgroup, which has no such file.
            return [];
        }
    }
}
