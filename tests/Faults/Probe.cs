using System.Globalization;
using TiKvActors.Storage;
using TiKvActors.Storage.Stores;

namespace TiKvActors.Faults;

/// <summary>
/// A process that writes a store's directory below the layer, a step for each argument, says "done" and waits to be killed. Steps: <c>file
/// NAME TEXT</c> (synced content), <c>durable-file NAME TEXT</c> (by the product's way), <c>append NAME TEXT</c> (unsynced), <c>rename OLD
/// NEW</c>, <c>delete NAME</c>, <c>names</c> (syncs the directory), <c>row KEY</c> (into a store's data engine, unsynced),
/// <c>sync-rows</c>.
/// </summary>
internal static class Probe
{
    public static async Task<int> RunAsync(string[] steps)
    {
        var root = steps[0];
        StoreEngines? engines = null;
        for (var i = 1; i < steps.Length; i++)
        {
            switch (steps[i])
            {
                case "file":
                    Write(Path.Combine(root, steps[++i]), FileMode.Create, steps[++i], sync: true);
                    break;
                case "durable-file":
                    DurableFile.Write(Path.Combine(root, steps[++i]), System.Text.Encoding.UTF8.GetBytes(steps[++i]));
                    break;
                case "append":
                    Write(Path.Combine(root, steps[++i]), FileMode.Append, steps[++i], sync: false);
                    break;
                case "rename":
                    File.Move(Path.Combine(root, steps[++i]), Path.Combine(root, steps[++i]), overwrite: true);
                    break;
                case "delete":
                    File.Delete(Path.Combine(root, steps[++i]));
                    break;
                case "names":
                    DurableFile.SyncDirectory(root);
                    break;
                case "row":
                    engines ??= StoreEngines.Open(Path.Combine(root, "store"));
                    using (var batch = engines.Data.NewBatch())
                    {
                        batch.Put(ColumnFamily.Default, System.Text.Encoding.UTF8.GetBytes(steps[++i]), "value"u8);
                        engines.Data.Write(batch);
                    }

                    break;
                case "sync-rows":
                    engines!.Data.Sync();
                    break;
                default:
                    throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"unknown step {steps[i]}"));
            }
        }

        Console.WriteLine("done");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    private static void Write(string path, FileMode mode, string text, bool sync)
    {
        using var file = new FileStream(path, mode, FileAccess.Write);
        file.Write(System.Text.Encoding.UTF8.GetBytes(text));
        file.Flush(flushToDisk: sync);
    }
}
