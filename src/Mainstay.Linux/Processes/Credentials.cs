using System.Runtime.InteropServices;

namespace Mainstay.Linux.Processes;

/// <summary>A user of this machine.</summary>
public readonly record struct UserAccount(string Name, uint UserId, uint GroupId);

/// <summary>Who this process is, and how it becomes less.</summary>
public static unsafe class Credentials
{
    private const int SetNoNewPrivileges = 38, CapabilityAmbient = 47, AmbientClearAll = 4;

    public static bool IsRoot => Libc.EffectiveUser() == 0;

    public static uint EffectiveUser => Libc.EffectiveUser();

    /// <summary>Asks the machine's user database (NSS).</summary>
    public static bool TryFindUser(string name, out UserAccount account)
    {
        account = default;
        if (name.Length == 0) return false;
        using var text = new NativeStrings([name]);
        const int length = 16 * 1024;
        byte* entry = stackalloc byte[64];
        byte* buffer = stackalloc byte[length];
        byte* found = null;
        if (Libc.FindUser(text.First, entry, buffer, length, &found) != 0 || found == null) return false;
        // struct passwd: name (8), password (8), uid (4), gid (4), ...
        account = new UserAccount(name, *(uint*)(entry + 16), *(uint*)(entry + 20));
        return true;
    }

    /// <summary>
    /// For what the calling thread starts from here on: no program gains privileges from its file, and none inherits capabilities
    /// that a service manager gave this process. This process itself keeps what it has.
    /// </summary>
    public static void StartOnlyUnprivileged()
    {
        int result = Libc.Result(Libc.ProcessControl(SetNoNewPrivileges, 1, 0, 0, 0));
        if (result < 0) throw new InvalidOperationException($"prctl(PR_SET_NO_NEW_PRIVS): {((Errno)(-result)).Describe()}");
        _ = Libc.ProcessControl(CapabilityAmbient, AmbientClearAll, 0, 0, 0);
    }

    /// <summary>
    /// Becomes the user, with its groups, for good, in all threads: glibc changes every thread, and leaving user 0 clears the
    /// capabilities of each.
    /// </summary>
    /// <exception cref="InvalidOperationException">The kernel refused, or the way back is open. Nothing may go on then.</exception>
    public static void Become(UserAccount account)
    {
        using var name = new NativeStrings([account.Name]);
        Require(Libc.InitGroups(name.First, account.GroupId), "initgroups");
        Require(Libc.SetGroups(account.GroupId, account.GroupId, account.GroupId), "setresgid");
        Require(Libc.SetUsers(account.UserId, account.UserId, account.UserId), "setresuid");
        if (account.UserId != 0 && Libc.SetUsers(0, 0, 0) == 0)
            throw new InvalidOperationException($"still able to become root after becoming user '{account.Name}'");
    }

    /// <summary>Gives a file or directory to a user; symbolic links are not followed.</summary>
    public static Errno GiveTo(string path, UserAccount account)
    {
        using var text = new NativeStrings([path]);
        int result = Libc.Result(Libc.ChangeOwner(text.First, account.UserId, account.GroupId));
        return result < 0 ? (Errno)(-result) : Errno.None;
    }

    private static void Require(int result, string call)
    {
        if (result != 0) throw new InvalidOperationException($"{call}: {((Errno)Marshal.GetLastPInvokeError()).Describe()}");
    }
}
